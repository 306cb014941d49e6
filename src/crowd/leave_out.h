/*
 * leave_out.h
 *		How sure an answer is, with and without the voice that gave it.
 */
#ifndef NL_LEAVE_OUT_H
#define NL_LEAVE_OUT_H

#include "crowd/apply_model.h"

/* That an answer is right; NaN for one that names no class. */
typedef struct AnswerChance
{
	double		with;			/* all answers of the item */
	double		without;		/* all but its own voice's */
} AnswerChance;

typedef struct VoiceRun
{
	uint32		voice;			/* the first annotator of it */
	EmRun		run;
} VoiceRun;

typedef struct LeaveOut
{
	SetScorer  *scorer;
	VoiceRun   *runs;			/* of an item */
	AnswerChance *chances;		/* of its answers */
	LogRate    *rest;			/* a score without a voice */
	LogRate    *silence;		/* of each group of the model, by its first; or NULL */
	double	   *all;			/* a posterior with it */
} LeaveOut;

extern LeaveOut *leave_out_begin(SetScorer *scorer);
extern const AnswerChance *leave_out_item(LeaveOut *l, uint32 item);

#endif							/* NL_LEAVE_OUT_H */
