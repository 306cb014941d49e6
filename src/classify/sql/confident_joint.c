/*
 * confident_joint.c
 *		The final function of the aggregate confident_joint(); its rows are collected
 *		by prediction_state.c.
 */
#include "classify/confident_joint.h"

#include "types/confusion_matrix.h"

NL_FUNCTION(confident_joint_final);
Datum
confident_joint_final(PG_FUNCTION_ARGS)
{
	ExpandedPredictions *ep = predictions_of(PG_GETARG_DATUM(0), PREDICTION_LABEL);
	Names		labels = prediction_set_finish(&ep->set, NULL, NULL);
	ConfidentJoint *joint = confident_joint_make(&ep->set);

	prediction_set_notice(fcinfo, &ep->set, &labels, "confident_joint()");
	PG_RETURN_POINTER(confusion_matrix_make(&labels, joint->joint));
}
