/*
 * informed.h
 *		How often an annotator has looked: what his answers say of the truth that
 *		the others tell.
 */
#ifndef NL_INFORMED_H
#define NL_INFORMED_H

#include "crowd/em.h"

typedef struct InformedShare
{
	double		n;				/* answers compared, repeats as one; 0: clearly informed */
	double		share;			/* of them, with which he knew the class */
	double		error;			/* its standard error, were it 0 */
	double		log_ratio;		/* of his answers under his matrix, and under none */
} InformedShare;

extern InformedShare *informed_shares(const AnnotatorModelView *model,
									  const AnnotationView *view, const EmFit *fit);

#endif							/* NL_INFORMED_H */
