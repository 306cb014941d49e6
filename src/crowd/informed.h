/*
 * informed.h
 *		How often an annotator has looked: what his answers say of the truth that
 *		the others tell.
 */
#ifndef NL_INFORMED_H
#define NL_INFORMED_H

#include "crowd/em.h"

/*
 * Who knows the class less often is called uninformed.  In a crowd of two classes it
 * is a third for those who are right on two items of three.
 */
#define INFORMED_BOUND (1 / 3.0)

#define INFORMED_ANSWERS 10		/* of fewer nothing is said */

typedef struct InformedShare
{
	double		n;				/* answers compared, repeats as one; 0: clearly */
								/* informed, or too few */
	double		share;			/* of them, with which he knew the class */
	double		chance_error;	/* its standard error, were it 0 */
	double		error;			/* the same, were it INFORMED_BOUND */
	double		log_ratio;		/* of his answers under his matrix, and under none */
} InformedShare;

extern Size informed_memory(const AnnotationView *view);
extern InformedShare *informed_shares(const AnnotatorModelView *model,
									  const AnnotationView *view, const EmFit *fit);

#endif							/* NL_INFORMED_H */
