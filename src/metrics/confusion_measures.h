/*
 * confusion_measures.h
 *		Measures of a confusion matrix.  Inside the extension an undefined
 *		measure (0/0) is NaN; SQL sees NULL.
 */
#ifndef NL_CONFUSION_MEASURES_H
#define NL_CONFUSION_MEASURES_H

#include "types/confusion_matrix.h"

/*
 * Row sums (truth), column sums (observed), trace and total.  Coefficients of
 * agreement are of a matrix that confusion_scaled() gave.
 */
typedef struct Margins
{
	uint32		n;
	double	   *rows;
	double	   *columns;
	double		trace;
	double		total;
} Margins;

extern const ConfusionMatrix *confusion_scaled(const ConfusionMatrix *cm);
extern Margins confusion_margins(const ConfusionMatrix *cm);
extern double confusion_finite_total(const Margins *m);
extern double confusion_rate(const ConfusionMatrix *cm, const Margins *m,
							 uint32 i, uint32 j);
extern double margins_cohen_kappa(const ConfusionMatrix *cm, const Margins *m);
extern double margins_matthews_corrcoef(const ConfusionMatrix *cm, const Margins *m);
extern double confusion_mean_recall(const ConfusionMatrix *cm, const Margins *m);

#endif							/* NL_CONFUSION_MEASURES_H */
