-- Install source of noisylabel: the one place where its SQL objects are defined.
-- The Makefile makes noisylabel--<version>.sql from it.
--
-- Order: the value types, then what each section of docs/reference.md describes.
-- C functions are named <type>_<what>; SQL names are the short ones users type.

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION noisylabel" to load this file. \quit

--
-- Value types
--
CREATE TYPE confusion_matrix;

CREATE FUNCTION confusion_matrix_in(cstring) RETURNS confusion_matrix
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION confusion_matrix_out(confusion_matrix) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION confusion_matrix_recv(internal) RETURNS confusion_matrix
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE FUNCTION confusion_matrix_send(confusion_matrix) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE TYPE confusion_matrix (
	INPUT = confusion_matrix_in,
	OUTPUT = confusion_matrix_out,
	RECEIVE = confusion_matrix_recv,
	SEND = confusion_matrix_send,
	ALIGNMENT = double,
	STORAGE = extended
);

COMMENT ON TYPE confusion_matrix IS
'Label names and K x K weighted counts: rows are the truth, columns what was observed. Text form: {"labels": ["cat", "dog"], "counts": [[8, 2], [1, 9]]}. At most 1000 labels.';
COMMENT ON FUNCTION confusion_matrix_in(cstring) IS 'I/O of type confusion_matrix';
COMMENT ON FUNCTION confusion_matrix_out(confusion_matrix) IS 'I/O of type confusion_matrix';
COMMENT ON FUNCTION confusion_matrix_recv(internal) IS 'I/O of type confusion_matrix';
COMMENT ON FUNCTION confusion_matrix_send(confusion_matrix) IS 'I/O of type confusion_matrix';

CREATE TYPE label_distribution;

CREATE FUNCTION label_distribution_in(cstring) RETURNS label_distribution
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION label_distribution_out(label_distribution) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION label_distribution_recv(internal) RETURNS label_distribution
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE FUNCTION label_distribution_send(label_distribution) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE TYPE label_distribution (
	INPUT = label_distribution_in,
	OUTPUT = label_distribution_out,
	RECEIVE = label_distribution_recv,
	SEND = label_distribution_send,
	ALIGNMENT = double,
	STORAGE = extended
);

COMMENT ON TYPE label_distribution IS
'A probability for each label; they sum to 1. Text form: {"cat": 0.93, "dog": 0.07}.';
COMMENT ON FUNCTION label_distribution_in(cstring) IS 'I/O of type label_distribution';
COMMENT ON FUNCTION label_distribution_out(label_distribution) IS 'I/O of type label_distribution';
COMMENT ON FUNCTION label_distribution_recv(internal) IS 'I/O of type label_distribution';
COMMENT ON FUNCTION label_distribution_send(label_distribution) IS 'I/O of type label_distribution';

CREATE TYPE annotation_set;

CREATE FUNCTION annotation_set_in(cstring) RETURNS annotation_set
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION annotation_set_out(annotation_set) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION annotation_set_recv(internal) RETURNS annotation_set
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE FUNCTION annotation_set_send(annotation_set) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

-- not compressed: that takes seconds for a large set and cannot be cancelled
CREATE TYPE annotation_set (
	INPUT = annotation_set_in,
	OUTPUT = annotation_set_out,
	RECEIVE = annotation_set_recv,
	SEND = annotation_set_send,
	ALIGNMENT = double,
	STORAGE = external
);

COMMENT ON TYPE annotation_set IS
'Annotations (item, annotator, label) and gold labels as one value. Text form: base64, made by the aggregate annotation_set(); cast to jsonb to read it.';
COMMENT ON FUNCTION annotation_set_in(cstring) IS 'I/O of type annotation_set';
COMMENT ON FUNCTION annotation_set_out(annotation_set) IS 'I/O of type annotation_set';
COMMENT ON FUNCTION annotation_set_recv(internal) IS 'I/O of type annotation_set';
COMMENT ON FUNCTION annotation_set_send(annotation_set) IS 'I/O of type annotation_set';

CREATE TYPE annotator_model;

CREATE FUNCTION annotator_model_in(cstring) RETURNS annotator_model
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION annotator_model_out(annotator_model) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION annotator_model_recv(internal) RETURNS annotator_model
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE FUNCTION annotator_model_send(annotator_model) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE TYPE annotator_model (
	INPUT = annotator_model_in,
	OUTPUT = annotator_model_out,
	RECEIVE = annotator_model_recv,
	SEND = annotator_model_send,
	ALIGNMENT = double,
	STORAGE = extended
);

COMMENT ON TYPE annotator_model IS
'What a fit learned about annotators: class prior, a confusion matrix for each annotator, the fit record. It holds no items. Text form: JSON, above 1 MB compact (base64).';
COMMENT ON FUNCTION annotator_model_in(cstring) IS 'I/O of type annotator_model';
COMMENT ON FUNCTION annotator_model_out(annotator_model) IS 'I/O of type annotator_model';
COMMENT ON FUNCTION annotator_model_recv(internal) IS 'I/O of type annotator_model';
COMMENT ON FUNCTION annotator_model_send(annotator_model) IS 'I/O of type annotator_model';

CREATE TYPE posterior_state;

CREATE FUNCTION posterior_state_in(cstring) RETURNS posterior_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION posterior_state_out(posterior_state) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION posterior_state_recv(internal) RETURNS posterior_state
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE FUNCTION posterior_state_send(posterior_state) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE TYPE posterior_state (
	INPUT = posterior_state_in,
	OUTPUT = posterior_state_out,
	RECEIVE = posterior_state_recv,
	SEND = posterior_state_send,
	ALIGNMENT = double,
	STORAGE = extended
);

COMMENT ON TYPE posterior_state IS
'State of the aggregate posterior(); not meant to be stored.';
COMMENT ON FUNCTION posterior_state_in(cstring) IS 'I/O of type posterior_state';
COMMENT ON FUNCTION posterior_state_out(posterior_state) IS 'I/O of type posterior_state';
COMMENT ON FUNCTION posterior_state_recv(internal) IS 'I/O of type posterior_state';
COMMENT ON FUNCTION posterior_state_send(posterior_state) IS 'I/O of type posterior_state';

CREATE TYPE classifier;

CREATE FUNCTION classifier_in(cstring) RETURNS classifier
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION classifier_out(classifier) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION classifier_recv(internal) RETURNS classifier
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE FUNCTION classifier_send(classifier) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE TYPE classifier (
	INPUT = classifier_in,
	OUTPUT = classifier_out,
	RECEIVE = classifier_recv,
	SEND = classifier_send,
	ALIGNMENT = double,
	STORAGE = extended
);

COMMENT ON TYPE classifier IS
'A fitted multinomial logistic regression: labels, coefficients on the scale of the input, options, the fit record. Text form: JSON, above 1 MB compact (base64).';
COMMENT ON FUNCTION classifier_in(cstring) IS 'I/O of type classifier';
COMMENT ON FUNCTION classifier_out(classifier) IS 'I/O of type classifier';
COMMENT ON FUNCTION classifier_recv(internal) IS 'I/O of type classifier';
COMMENT ON FUNCTION classifier_send(classifier) IS 'I/O of type classifier';

CREATE TYPE training_set;

CREATE FUNCTION training_set_in(cstring) RETURNS training_set
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION training_set_out(training_set) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION training_set_recv(internal) RETURNS training_set
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE FUNCTION training_set_send(training_set) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE TYPE training_set (
	INPUT = training_set_in,
	OUTPUT = training_set_out,
	RECEIVE = training_set_recv,
	SEND = training_set_send,
	ALIGNMENT = double,
	STORAGE = external
);

COMMENT ON TYPE training_set IS
'State of the aggregate logistic_regression(); not meant to be stored.';
COMMENT ON FUNCTION training_set_in(cstring) IS 'I/O of type training_set';
COMMENT ON FUNCTION training_set_out(training_set) IS 'I/O of type training_set';
COMMENT ON FUNCTION training_set_recv(internal) IS 'I/O of type training_set';
COMMENT ON FUNCTION training_set_send(training_set) IS 'I/O of type training_set';

--
-- Casts to jsonb
--
CREATE FUNCTION confusion_matrix_to_jsonb(confusion_matrix) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION confusion_matrix_to_jsonb(confusion_matrix) IS
'A confusion_matrix as jsonb, up to 8 MB of JSON; larger: error.';

CREATE FUNCTION label_distribution_to_jsonb(label_distribution) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION label_distribution_to_jsonb(label_distribution) IS
'A label_distribution as jsonb, up to 8 MB of JSON; larger: error.';

CREATE FUNCTION annotator_model_to_jsonb(annotator_model) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION annotator_model_to_jsonb(annotator_model) IS
'An annotator_model as jsonb, up to 8 MB of JSON; larger: error.';

CREATE FUNCTION annotation_set_to_jsonb(annotation_set) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'annotation_set_to_jsonb' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION annotation_set_to_jsonb(annotation_set) IS
'Readable form: {"items": {item: {"annotations": [[annotator, label], ...], "gold": label}}}, up to 8 MB of JSON; larger: error.';

CREATE FUNCTION classifier_to_jsonb(classifier) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION classifier_to_jsonb(classifier) IS
'A classifier as jsonb, up to 8 MB of JSON; larger: error.';

CREATE CAST (confusion_matrix AS jsonb) WITH FUNCTION confusion_matrix_to_jsonb(confusion_matrix);
CREATE CAST (label_distribution AS jsonb) WITH FUNCTION label_distribution_to_jsonb(label_distribution);
CREATE CAST (annotator_model AS jsonb) WITH FUNCTION annotator_model_to_jsonb(annotator_model);
CREATE CAST (annotation_set AS jsonb) WITH FUNCTION annotation_set_to_jsonb(annotation_set);
CREATE CAST (classifier AS jsonb) WITH FUNCTION classifier_to_jsonb(classifier);

--
-- 1. Confusion matrices and reports
--
CREATE FUNCTION confusion_matrix_accum(confusion_matrix, truth text, label text) RETURNS confusion_matrix
	AS 'MODULE_PATHNAME', 'confusion_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION confusion_matrix_accum(confusion_matrix, text, text) IS
'Transition function of annotator_confusion() and f1_report(). A row with a NULL is skipped.';

CREATE FUNCTION confusion_matrix_accum(confusion_matrix, truth text, label text, weight float8) RETURNS confusion_matrix
	AS 'MODULE_PATHNAME', 'confusion_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION confusion_matrix_accum(confusion_matrix, text, text, float8) IS
'Transition function of annotator_confusion() and f1_report(). A row with a NULL is skipped.';

CREATE FUNCTION confusion_matrix_accum(confusion_matrix, truth "any", label "any") RETURNS confusion_matrix
	AS 'MODULE_PATHNAME', 'confusion_accum_any' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION confusion_matrix_accum(confusion_matrix, "any", "any") IS
'Transition function of annotator_confusion() and f1_report(). A row with a NULL is skipped.';

CREATE FUNCTION confusion_matrix_accum(confusion_matrix, truth "any", label "any", weight float8) RETURNS confusion_matrix
	AS 'MODULE_PATHNAME', 'confusion_accum_any' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION confusion_matrix_accum(confusion_matrix, "any", "any", float8) IS
'Transition function of annotator_confusion() and f1_report(). A row with a NULL is skipped.';

CREATE FUNCTION confusion_matrix_accum(confusion_matrix, truth label_distribution, label text) RETURNS confusion_matrix
	AS 'MODULE_PATHNAME', 'confusion_accum_expected' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION confusion_matrix_accum(confusion_matrix, label_distribution, text) IS
'Transition function of annotator_confusion() and f1_report(). A row with a NULL is skipped.';

CREATE FUNCTION confusion_matrix_accum(confusion_matrix, truth label_distribution, label "any") RETURNS confusion_matrix
	AS 'MODULE_PATHNAME', 'confusion_accum_expected_any' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION confusion_matrix_accum(confusion_matrix, label_distribution, "any") IS
'Transition function of annotator_confusion() and f1_report(). A row with a NULL is skipped.';

CREATE FUNCTION confusion_matrix_combine(confusion_matrix, confusion_matrix) RETURNS confusion_matrix
	AS 'MODULE_PATHNAME', 'confusion_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION confusion_matrix_combine(confusion_matrix, confusion_matrix) IS
'Sum of two matrices; labels are joined by name. Either side may be NULL.';

CREATE FUNCTION confusion_matrix_final(confusion_matrix) RETURNS confusion_matrix
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION confusion_matrix_final(confusion_matrix) IS
'Final function of annotator_confusion() and sum(confusion_matrix): the matrix; a NOTICE where truth and label have no label in common.';

CREATE AGGREGATE annotator_confusion(truth text, label text) (
	SFUNC = confusion_matrix_accum,
	STYPE = confusion_matrix,
	SSPACE = 2048,
	FINALFUNC = confusion_matrix_final,
	COMBINEFUNC = confusion_matrix_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE annotator_confusion(text, text) IS
'Confusion matrix of the rows: truth and label of any type (compared as ::text spells them; a NOTICE where ten observations or more have no label in common), weight finite and >= 0 (default 1). Rows with a NULL are skipped; no rows: NULL.';

CREATE AGGREGATE annotator_confusion(truth text, label text, weight float8) (
	SFUNC = confusion_matrix_accum,
	STYPE = confusion_matrix,
	SSPACE = 2048,
	FINALFUNC = confusion_matrix_final,
	COMBINEFUNC = confusion_matrix_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE annotator_confusion(text, text, float8) IS
'Confusion matrix of the rows: truth and label of any type (compared as ::text spells them; a NOTICE where ten observations or more have no label in common), weight finite and >= 0 (default 1). Rows with a NULL are skipped; no rows: NULL.';

CREATE AGGREGATE annotator_confusion(truth "any", label "any") (
	SFUNC = confusion_matrix_accum,
	STYPE = confusion_matrix,
	SSPACE = 2048,
	FINALFUNC = confusion_matrix_final,
	COMBINEFUNC = confusion_matrix_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE annotator_confusion("any", "any") IS
'Confusion matrix of the rows: truth and label of any type (compared as ::text spells them; a NOTICE where ten observations or more have no label in common), weight finite and >= 0 (default 1). Rows with a NULL are skipped; no rows: NULL.';

CREATE AGGREGATE annotator_confusion(truth "any", label "any", weight float8) (
	SFUNC = confusion_matrix_accum,
	STYPE = confusion_matrix,
	SSPACE = 2048,
	FINALFUNC = confusion_matrix_final,
	COMBINEFUNC = confusion_matrix_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE annotator_confusion("any", "any", float8) IS
'Confusion matrix of the rows: truth and label of any type (compared as ::text spells them; a NOTICE where ten observations or more have no label in common), weight finite and >= 0 (default 1). Rows with a NULL are skipped; no rows: NULL.';

CREATE AGGREGATE annotator_confusion(truth label_distribution, label text) (
	SFUNC = confusion_matrix_accum,
	STYPE = confusion_matrix,
	SSPACE = 2048,
	FINALFUNC = confusion_matrix_final,
	COMBINEFUNC = confusion_matrix_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE annotator_confusion(label_distribution, text) IS
'Expected confusion matrix: each row adds the probability of each true class to the cell (class, label). Sums of fractions depend on the order of the rows in their last bits (relative error below n * 1.2e-16 for n rows).';

CREATE AGGREGATE annotator_confusion(truth label_distribution, label "any") (
	SFUNC = confusion_matrix_accum,
	STYPE = confusion_matrix,
	SSPACE = 2048,
	FINALFUNC = confusion_matrix_final,
	COMBINEFUNC = confusion_matrix_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE annotator_confusion(label_distribution, "any") IS
'The same with labels of any type, compared in text form.';

CREATE AGGREGATE sum(confusion_matrix) (
	SFUNC = confusion_matrix_combine,
	STYPE = confusion_matrix,
	SSPACE = 2048,
	FINALFUNC = confusion_matrix_final,
	COMBINEFUNC = confusion_matrix_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(confusion_matrix) IS
'Sum of matrices; labels are joined by name.';

CREATE FUNCTION confusion_matrix_add(confusion_matrix, confusion_matrix) RETURNS confusion_matrix
	AS 'MODULE_PATHNAME', 'confusion_combine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION confusion_matrix_add(confusion_matrix, confusion_matrix) IS
'Sum of two matrices; labels are joined by name.';

CREATE OPERATOR + (
	LEFTARG = confusion_matrix,
	RIGHTARG = confusion_matrix,
	FUNCTION = confusion_matrix_add,
	COMMUTATOR = +
);
COMMENT ON OPERATOR + (confusion_matrix, confusion_matrix) IS
'Sum of two matrices; labels are joined by name.';

CREATE FUNCTION labels(confusion_matrix) RETURNS text[]
	AS 'MODULE_PATHNAME', 'confusion_labels' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION labels(confusion_matrix) IS
'Labels in order: bytewise, or as numbers when all are integers.';

CREATE FUNCTION counts(confusion_matrix) RETURNS float8[]
	AS 'MODULE_PATHNAME', 'confusion_counts' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION counts(confusion_matrix) IS
'K x K counts; first subscript truth, second observed label, both in the order of labels().';

CREATE FUNCTION total(confusion_matrix) RETURNS float8
	AS 'MODULE_PATHNAME', 'confusion_total' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION total(confusion_matrix) IS
'Sum of all counts.';

CREATE FUNCTION cells(confusion_matrix, level float8 DEFAULT 0.95, OUT truth text, OUT label text, OUT count float8, OUT rate float8, OUT rate_low float8, OUT rate_high float8) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'confusion_cells' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 25;
COMMENT ON FUNCTION cells(confusion_matrix, float8) IS
'A row for each cell; rate is the share within the truth row, with a Wilson interval (1927) at the given level; NULL in a row without counts.';

CREATE FUNCTION accuracy(confusion_matrix) RETURNS float8
	AS 'MODULE_PATHNAME', 'confusion_accuracy' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION accuracy(confusion_matrix) IS
'Share of the diagonal; NULL when the matrix is empty.';

CREATE FUNCTION balanced_accuracy(confusion_matrix) RETURNS float8
	AS 'MODULE_PATHNAME', 'confusion_balanced_accuracy' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION balanced_accuracy(confusion_matrix) IS
'Mean recall of the classes that occur as truth; NULL when there are none.';

CREATE FUNCTION cohen_kappa(confusion_matrix) RETURNS float8
	AS 'MODULE_PATHNAME', 'confusion_cohen_kappa' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cohen_kappa(confusion_matrix) IS
'Chance-corrected agreement (Cohen 1960, eq. 1); NULL when both sides name only one and the same class.';

CREATE FUNCTION matthews_corrcoef(confusion_matrix) RETURNS float8
	AS 'MODULE_PATHNAME', 'confusion_matthews_corrcoef' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION matthews_corrcoef(confusion_matrix) IS
'Matthews correlation for any number of classes (Gorodkin 2004, eq. 8); NULL when truth or label is constant.';

CREATE FUNCTION mutual_information(confusion_matrix) RETURNS float8
	AS 'MODULE_PATHNAME', 'confusion_mutual_information' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION mutual_information(confusion_matrix) IS
'Mutual information of truth and label in bits (Cover & Thomas, eq. 2.28); NULL when the matrix is empty.';

CREATE FUNCTION smooth(confusion_matrix, toward confusion_matrix, strength float8) RETURNS confusion_matrix
	AS 'MODULE_PATHNAME', 'confusion_smooth' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION smooth(confusion_matrix, confusion_matrix, float8) IS
'Dirichlet shrinkage: adds strength (>= 0) pseudo-counts to each truth row, spread as in the same row of toward; rows that toward has no counts for stay as they are.';

CREATE TYPE class_report AS (
	label text,
	support float8,
	predicted float8,
	precision float8,
	precision_low float8,
	precision_high float8,
	recall float8,
	recall_low float8,
	recall_high float8,
	f1 float8,
	f1_low float8,
	f1_high float8
);
COMMENT ON TYPE class_report IS
'One class of an f1_report: support (true count), predicted (count), precision, recall and F1 with 95 % intervals (Wilson; F1: Wilson for TP / (TP + FP + FN), carried through 2 x / (1 + x), Lam et al. 2023). Undefined (0/0) is NULL.';

CREATE TYPE f1_report AS (
	n float8,
	accuracy float8,
	accuracy_low float8,
	accuracy_high float8,
	balanced_accuracy float8,
	macro_precision float8,
	macro_recall float8,
	macro_f1 float8,
	macro_f1_low float8,
	macro_f1_high float8,
	micro_f1 float8,
	weighted_precision float8,
	weighted_recall float8,
	weighted_f1 float8,
	matthews_corrcoef float8,
	cohen_kappa float8,
	classes class_report[]
);
COMMENT ON TYPE f1_report IS
'Classification report. Averages are over the classes where the measure is defined: macro plain, weighted by support. Intervals 95 %: accuracy Wilson, macro F1 delta method (Takahashi et al. 2022).';

CREATE FUNCTION f1_report(confusion_matrix) RETURNS f1_report
	AS 'MODULE_PATHNAME', 'f1_report_from_confusion' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION f1_report(confusion_matrix) IS
'Report over the classes that occur in the matrix, with 95 % intervals.';

CREATE FUNCTION f1_report(confusion_matrix, labels text[], level float8 DEFAULT 0.95) RETURNS f1_report
	AS 'MODULE_PATHNAME', 'f1_report_for_labels' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION f1_report(confusion_matrix, text[], float8) IS
'Report over a fixed set of classes (NULL: those of the matrix), with intervals at the given level. A class of the set that the matrix does not have has undefined measures and is left out of the averages. n, accuracy, balanced_accuracy, kappa and correlation are of the whole matrix.';

CREATE AGGREGATE f1_report(truth text, predicted text) (
	SFUNC = confusion_matrix_accum,
	STYPE = confusion_matrix,
	SSPACE = 2048,
	FINALFUNC = f1_report,
	COMBINEFUNC = confusion_matrix_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE f1_report(text, text) IS
'Classification report of the rows; see type f1_report. Labels are compared as ::text spells them, with a NOTICE where ten observations or more have none in common. Rows with a NULL are skipped; no rows: NULL.';

CREATE AGGREGATE f1_report(truth text, predicted text, weight float8) (
	SFUNC = confusion_matrix_accum,
	STYPE = confusion_matrix,
	SSPACE = 2048,
	FINALFUNC = f1_report,
	COMBINEFUNC = confusion_matrix_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE f1_report(text, text, float8) IS
'Classification report of the rows; see type f1_report. Labels are compared as ::text spells them, with a NOTICE where ten observations or more have none in common. Rows with a NULL are skipped; no rows: NULL.';

CREATE AGGREGATE f1_report(truth "any", predicted "any") (
	SFUNC = confusion_matrix_accum,
	STYPE = confusion_matrix,
	SSPACE = 2048,
	FINALFUNC = f1_report,
	COMBINEFUNC = confusion_matrix_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE f1_report("any", "any") IS
'Classification report of the rows; see type f1_report. Labels are compared as ::text spells them, with a NOTICE where ten observations or more have none in common. Rows with a NULL are skipped; no rows: NULL.';

CREATE AGGREGATE f1_report(truth "any", predicted "any", weight float8) (
	SFUNC = confusion_matrix_accum,
	STYPE = confusion_matrix,
	SSPACE = 2048,
	FINALFUNC = f1_report,
	COMBINEFUNC = confusion_matrix_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE f1_report("any", "any", float8) IS
'Classification report of the rows; see type f1_report. Labels are compared as ::text spells them, with a NOTICE where ten observations or more have none in common. Rows with a NULL are skipped; no rows: NULL.';

CREATE FUNCTION report(f1_report) RETURNS text
	AS 'MODULE_PATHNAME', 'f1_report_print' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION report(f1_report) IS
'The report as a printed table; a dash is undefined. Where rows have labels beside those of the report, micro averages stand in the place of accuracy, and support is of the labels of the report. A label takes one line: \n, \t, \x01 stand for what does not print.';

--
-- 2. Annotations, annotator models, consensus
--
CREATE FUNCTION annotation_set_accum(annotation_set, item text, annotator text, label text) RETURNS annotation_set
	AS 'MODULE_PATHNAME', 'annotation_set_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION annotation_set_accum(annotation_set, text, text, text) IS
'Transition function. A row whose item, annotator or label is NULL is skipped.';

CREATE FUNCTION annotation_set_accum(annotation_set, item text, annotator text, label text, gold text) RETURNS annotation_set
	AS 'MODULE_PATHNAME', 'annotation_set_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION annotation_set_accum(annotation_set, text, text, text, text) IS
'Transition function. A row whose item, annotator or label is NULL is skipped.';

CREATE FUNCTION annotation_set_accum(annotation_set, item "any", annotator "any", label "any") RETURNS annotation_set
	AS 'MODULE_PATHNAME', 'annotation_set_accum_any' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION annotation_set_accum(annotation_set, "any", "any", "any") IS
'Transition function. A row whose item, annotator or label is NULL is skipped.';

CREATE FUNCTION annotation_set_accum(annotation_set, item "any", annotator "any", label "any", gold "any") RETURNS annotation_set
	AS 'MODULE_PATHNAME', 'annotation_set_accum_any' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION annotation_set_accum(annotation_set, "any", "any", "any", "any") IS
'Transition function. A row whose item, annotator or label is NULL is skipped.';

CREATE FUNCTION annotation_set_accum(annotation_set, item "any", annotator "any", label "any", gold text) RETURNS annotation_set
	AS 'MODULE_PATHNAME', 'annotation_set_accum_any' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION annotation_set_accum(annotation_set, "any", "any", "any", text) IS
'Transition function. A row whose item, annotator or label is NULL is skipped.';

CREATE FUNCTION annotation_set_combine(annotation_set, annotation_set) RETURNS annotation_set
	AS 'MODULE_PATHNAME', 'annotation_set_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION annotation_set_combine(annotation_set, annotation_set) IS
'All annotations of both sets; everything is joined by name. Either side may be NULL.';

CREATE FUNCTION annotation_set_final(annotation_set) RETURNS annotation_set
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION annotation_set_final(annotation_set) IS
'Final function of annotation_set() and sum(annotation_set).';

CREATE AGGREGATE annotation_set(item text, annotator text, label text) (
	SFUNC = annotation_set_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = annotation_set_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE annotation_set(text, text, text) IS
'Collects annotations, and gold labels where they are not NULL, into one value. Repeated annotations are kept. Two different gold labels for one item are an error. No rows: NULL.';

CREATE AGGREGATE annotation_set(item text, annotator text, label text, gold text) (
	SFUNC = annotation_set_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = annotation_set_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE annotation_set(text, text, text, text) IS
'Collects annotations, and gold labels where they are not NULL, into one value. Repeated annotations are kept. Two different gold labels for one item are an error. No rows: NULL.';

CREATE AGGREGATE annotation_set(item "any", annotator "any", label "any") (
	SFUNC = annotation_set_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = annotation_set_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE annotation_set("any", "any", "any") IS
'Collects annotations, and gold labels where they are not NULL, into one value. Repeated annotations are kept. Two different gold labels for one item are an error. No rows: NULL.';

CREATE AGGREGATE annotation_set(item "any", annotator "any", label "any", gold "any") (
	SFUNC = annotation_set_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = annotation_set_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE annotation_set("any", "any", "any", "any") IS
'Collects annotations, and gold labels where they are not NULL, into one value. Repeated annotations are kept. Two different gold labels for one item are an error. No rows: NULL.';

CREATE AGGREGATE annotation_set(item "any", annotator "any", label "any", gold text) (
	SFUNC = annotation_set_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = annotation_set_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE annotation_set("any", "any", "any", text) IS
'Collects annotations, and gold labels where they are not NULL, into one value. Repeated annotations are kept. Two different gold labels for one item are an error. No rows: NULL.';

CREATE AGGREGATE sum(annotation_set) (
	SFUNC = annotation_set_combine,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = annotation_set_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(annotation_set) IS
'All annotations of all sets.';

CREATE FUNCTION annotation_set_add(annotation_set, annotation_set) RETURNS annotation_set
	AS 'MODULE_PATHNAME', 'annotation_set_combine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION annotation_set_add(annotation_set, annotation_set) IS
'All annotations of both sets.';

CREATE OPERATOR + (
	LEFTARG = annotation_set,
	RIGHTARG = annotation_set,
	FUNCTION = annotation_set_add,
	COMMUTATOR = +
);
COMMENT ON OPERATOR + (annotation_set, annotation_set) IS
'All annotations of both sets.';

CREATE FUNCTION labels(annotation_set) RETURNS text[]
	AS 'MODULE_PATHNAME', 'annotation_set_labels' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION labels(annotation_set) IS
'Labels in order, those that only gold has among them.';

CREATE FUNCTION annotation_summary(annotation_set, OUT items bigint, OUT annotators bigint, OUT annotations bigint, OUT classes int, OUT gold_items bigint, OUT min_per_item int, OUT mean_per_item float8, OUT max_per_item int, OUT repeated bigint, OUT regime text) RETURNS record
	AS 'MODULE_PATHNAME', 'annotation_set_summary' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION annotation_summary(annotation_set) IS
'Counts of a set. repeated: annotations beyond the first of an annotator on an item. regime: gold (some items have gold), overlap (some item has two annotators) or single.';

CREATE FUNCTION dawid_skene_accum(annotation_set, item text, annotator text, label text, options jsonb) RETURNS annotation_set
	AS 'MODULE_PATHNAME', 'dawid_skene_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dawid_skene_accum(annotation_set, text, text, text, jsonb) IS
'Transition function of dawid_skene() with options, which must be the same for all rows.';

CREATE FUNCTION dawid_skene_accum(annotation_set, item text, annotator text, label text, gold text, options jsonb) RETURNS annotation_set
	AS 'MODULE_PATHNAME', 'dawid_skene_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dawid_skene_accum(annotation_set, text, text, text, text, jsonb) IS
'Transition function of dawid_skene() with options, which must be the same for all rows.';

CREATE FUNCTION dawid_skene_accum(annotation_set, item "any", annotator "any", label "any", options jsonb) RETURNS annotation_set
	AS 'MODULE_PATHNAME', 'dawid_skene_accum_any' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION dawid_skene_accum(annotation_set, "any", "any", "any", jsonb) IS
'Transition function of dawid_skene() with options, which must be the same for all rows.';

CREATE FUNCTION dawid_skene_accum(annotation_set, item "any", annotator "any", label "any", gold "any", options jsonb) RETURNS annotation_set
	AS 'MODULE_PATHNAME', 'dawid_skene_accum_any' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION dawid_skene_accum(annotation_set, "any", "any", "any", "any", jsonb) IS
'Transition function of dawid_skene() with options, which must be the same for all rows.';

CREATE FUNCTION dawid_skene_accum(annotation_set, item text, annotator text, label text, gold text, options text) RETURNS annotation_set
	AS 'MODULE_PATHNAME', 'dawid_skene_accum_text_options' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dawid_skene_accum(annotation_set, text, text, text, text, text) IS
'Transition function of dawid_skene() with options, which must be the same for all rows.';

CREATE FUNCTION dawid_skene_accum(annotation_set, item "any", annotator "any", label "any", gold "any", options text) RETURNS annotation_set
	AS 'MODULE_PATHNAME', 'dawid_skene_accum_any_text_options' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION dawid_skene_accum(annotation_set, "any", "any", "any", "any", text) IS
'Transition function of dawid_skene() with options, which must be the same for all rows.';

CREATE FUNCTION dawid_skene_accum(annotation_set, item "any", annotator "any", label "any", gold text, options jsonb) RETURNS annotation_set
	AS 'MODULE_PATHNAME', 'dawid_skene_accum_any' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION dawid_skene_accum(annotation_set, "any", "any", "any", text, jsonb) IS
'Transition function of dawid_skene() with options, which must be the same for all rows.';

CREATE FUNCTION dawid_skene_accum(annotation_set, item "any", annotator "any", label "any", gold text, options text) RETURNS annotation_set
	AS 'MODULE_PATHNAME', 'dawid_skene_accum_any_text_options' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION dawid_skene_accum(annotation_set, "any", "any", "any", text, text) IS
'Transition function of dawid_skene() with options, which must be the same for all rows.';

CREATE FUNCTION dawid_skene_final(annotation_set) RETURNS annotator_model
	AS 'MODULE_PATHNAME', 'dawid_skene_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dawid_skene_final(annotation_set) IS
'Final function of the aggregate dawid_skene().';

CREATE FUNCTION dawid_skene(annotation_set, options jsonb DEFAULT '{}', start annotator_model DEFAULT NULL) RETURNS annotator_model
	AS 'MODULE_PATHNAME', 'dawid_skene_fit' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dawid_skene(annotation_set, jsonb, annotator_model) IS
'Fits Dawid & Skene (1979): a class prior and a confusion matrix for each annotator, by expectation maximisation from vote shares. Items with gold keep their gold class, or nearly so (gold_weight). options: max_iterations 100 (passes over the annotations, 1 to 1000000), tolerance 1e-6 (relative change of the objective), smoothing 0 (pseudo-counts for each row of each matrix, or "estimate": as many as the data say), toward "pool" ("accuracy": the annotator''s own, "diagonal", "uniform": where they point), acceleration "squarem" ("none": plain EM), gold_weight 1 (the chance that gold is right), learn_from "all" ("gold": only items with gold teach the matrices), restarts 0 (how many more fits from perturbed starts, the best kept), seed 0 (of these), repeats "count" ("distinct": equal rows are one vote), variant "auto" ("full", the default where smoothing, toward or restarts is given: a matrix for each annotator; "class", "one_coin": one accuracy for each class or for all; "shared": one matrix for all; "majority": votes count the same; "auto": full with estimated smoothing, or a fit that withstands shared errors where the answers show them). start: a model to begin from instead of vote shares (NULL: none). NULL for a NULL set and one without annotations.';

CREATE FUNCTION dawid_skene(annotation_set, options text, start annotator_model DEFAULT NULL) RETURNS annotator_model
	AS 'MODULE_PATHNAME', 'dawid_skene_fit_text_options' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dawid_skene(annotation_set, text, annotator_model) IS
'The same with options as JSON text, as a literal or parameter without a type is taken.';

CREATE AGGREGATE dawid_skene(item text, annotator text, label text) (
	SFUNC = annotation_set_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = dawid_skene_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE dawid_skene(text, text, text) IS
'The function dawid_skene(annotation_set, options) over rows: collects annotations (item, annotator, label) and fits an annotator_model. NULL over no rows.';

CREATE AGGREGATE dawid_skene(item text, annotator text, label text, options jsonb) (
	SFUNC = dawid_skene_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = dawid_skene_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE dawid_skene(text, text, text, jsonb) IS
'The function dawid_skene(annotation_set, options) over rows: collects annotations (item, annotator, label) and fits an annotator_model. options: see the function. NULL over no rows.';

CREATE AGGREGATE dawid_skene(item text, annotator text, label text, gold text) (
	SFUNC = annotation_set_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = dawid_skene_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE dawid_skene(text, text, text, text) IS
'The function dawid_skene(annotation_set, options) over rows: collects annotations (item, annotator, label, gold) and fits an annotator_model. NULL over no rows.';

CREATE AGGREGATE dawid_skene(item text, annotator text, label text, gold text, options jsonb) (
	SFUNC = dawid_skene_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = dawid_skene_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE dawid_skene(text, text, text, text, jsonb) IS
'The function dawid_skene(annotation_set, options) over rows: collects annotations (item, annotator, label, gold) and fits an annotator_model. options: see the function. NULL over no rows.';

CREATE AGGREGATE dawid_skene(item "any", annotator "any", label "any") (
	SFUNC = annotation_set_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = dawid_skene_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE dawid_skene("any", "any", "any") IS
'The function dawid_skene(annotation_set, options) over rows: collects annotations (item, annotator, label) and fits an annotator_model. NULL over no rows.';

CREATE AGGREGATE dawid_skene(item "any", annotator "any", label "any", options jsonb) (
	SFUNC = dawid_skene_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = dawid_skene_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE dawid_skene("any", "any", "any", jsonb) IS
'The function dawid_skene(annotation_set, options) over rows: collects annotations (item, annotator, label) and fits an annotator_model. options: see the function. NULL over no rows.';

CREATE AGGREGATE dawid_skene(item "any", annotator "any", label "any", gold "any") (
	SFUNC = annotation_set_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = dawid_skene_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE dawid_skene("any", "any", "any", "any") IS
'The function dawid_skene(annotation_set, options) over rows: collects annotations (item, annotator, label, gold) and fits an annotator_model. NULL over no rows.';

CREATE AGGREGATE dawid_skene(item "any", annotator "any", label "any", gold "any", options jsonb) (
	SFUNC = dawid_skene_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = dawid_skene_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE dawid_skene("any", "any", "any", "any", jsonb) IS
'The function dawid_skene(annotation_set, options) over rows: collects annotations (item, annotator, label, gold) and fits an annotator_model. options: see the function. NULL over no rows.';

CREATE AGGREGATE dawid_skene(item "any", annotator "any", label "any", gold text) (
	SFUNC = annotation_set_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = dawid_skene_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE dawid_skene("any", "any", "any", text) IS
'The function dawid_skene(annotation_set, options) over rows: collects annotations (item, annotator, label, gold) and fits an annotator_model. NULL over no rows.';

CREATE AGGREGATE dawid_skene(item text, annotator text, label text, gold text, options text) (
	SFUNC = dawid_skene_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = dawid_skene_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE dawid_skene(text, text, text, text, text) IS
'The function dawid_skene(annotation_set, options) over rows: collects annotations (item, annotator, label, gold) and fits an annotator_model. options: see the function. NULL over no rows.';

CREATE AGGREGATE dawid_skene(item "any", annotator "any", label "any", gold "any", options text) (
	SFUNC = dawid_skene_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = dawid_skene_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE dawid_skene("any", "any", "any", "any", text) IS
'The function dawid_skene(annotation_set, options) over rows: collects annotations (item, annotator, label, gold) and fits an annotator_model. options: see the function. NULL over no rows.';

CREATE AGGREGATE dawid_skene(item "any", annotator "any", label "any", gold text, options jsonb) (
	SFUNC = dawid_skene_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = dawid_skene_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE dawid_skene("any", "any", "any", text, jsonb) IS
'The function dawid_skene(annotation_set, options) over rows: collects annotations (item, annotator, label, gold) and fits an annotator_model. options: see the function. NULL over no rows.';

CREATE AGGREGATE dawid_skene(item "any", annotator "any", label "any", gold text, options text) (
	SFUNC = dawid_skene_accum,
	STYPE = annotation_set,
	SSPACE = 4096,
	FINALFUNC = dawid_skene_final,
	COMBINEFUNC = annotation_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE dawid_skene("any", "any", "any", text, text) IS
'The function dawid_skene(annotation_set, options) over rows: collects annotations (item, annotator, label, gold) and fits an annotator_model. options: see the function. NULL over no rows.';

CREATE FUNCTION annotators(annotator_model, level float8 DEFAULT 0.95, OUT annotator text, OUT annotations bigint, OUT accuracy float8, OUT accuracy_low float8, OUT accuracy_high float8, OUT information float8, OUT worst_truth text, OUT worst_label text, OUT worst_rate float8, OUT spammer_score float8, OUT confusion confusion_matrix) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'annotators' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 100;
COMMENT ON FUNCTION annotators(annotator_model, float8) IS
'A row for each annotator: accuracy (expected share of right answers, seen against the crowd: few answers are drawn to its mean), with a credible interval at the given level that knows of both few answers and uncertain truth (docs/metrics.md; NULL in a model without counts); information in bits that one answer carries at the class prior; the most frequent error among truths met at least once (NULL: none); spammer score (Raykar & Yu 2012: 0 answers without looking, 1 is always right); expected counts.';

CREATE FUNCTION annotator_cells(annotator_model, level float8 DEFAULT 0.95, OUT annotator text, OUT truth text, OUT label text, OUT count float8, OUT rate float8, OUT rate_low float8, OUT rate_high float8) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'annotator_cells' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 1000;
COMMENT ON FUNCTION annotator_cells(annotator_model, float8) IS
'A row for each annotator and cell of the confusion matrix: expected count; rate within the truth row, seen against the crowd (few answers are drawn to its mean); credible interval at the given level that knows of both few answers and uncertain truth (docs/metrics.md); NULL where no annotator has answered items of that truth.';

CREATE FUNCTION class_prior(annotator_model) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'class_prior' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION class_prior(annotator_model) IS
'Estimated share of each class.';

CREATE FUNCTION labels(annotator_model) RETURNS text[]
	AS 'MODULE_PATHNAME', 'annotator_model_labels' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION labels(annotator_model) IS
'The classes of a model, in order.';

CREATE FUNCTION fit_report(annotator_model, OUT method text, OUT items bigint, OUT annotators bigint, OUT annotations bigint, OUT classes int, OUT gold_items bigint, OUT iterations int, OUT converged boolean, OUT log_likelihood float8, OUT warnings text[]) RETURNS record
	AS 'MODULE_PATHNAME', 'fit_report' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION fit_report(annotator_model) IS
'The record of a fit; warnings name what makes its answer untrustworthy.';

CREATE FUNCTION consensus(annotation_set, annotator_model, OUT item text, OUT label text, OUT confidence float8, OUT entropy float8, OUT annotations int, OUT tied boolean, OUT distribution label_distribution) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'consensus' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 1000;
COMMENT ON FUNCTION consensus(annotation_set, annotator_model) IS
'A row for each item, in order of item: the most probable label (ties within 1e-9: the first in order, and tied is true), its probability, entropy in bits, number of annotations, the posterior. An item with gold has that label for certain, unless the gold_weight of the model is below 1. An annotator whom the model does not know counts as the average annotator; a label that it does not know is an error.';

CREATE FUNCTION posterior_accum(posterior_state, annotator_model, annotator text, label text) RETURNS posterior_state
	AS 'MODULE_PATHNAME', 'posterior_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION posterior_accum(posterior_state, annotator_model, text, text) IS
'Transition function of posterior(). A row with a NULL is skipped.';

CREATE FUNCTION posterior_accum(posterior_state, annotator_model, annotator "any", label "any") RETURNS posterior_state
	AS 'MODULE_PATHNAME', 'posterior_accum_any' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION posterior_accum(posterior_state, annotator_model, "any", "any") IS
'Transition function of posterior(). A row with a NULL is skipped.';

CREATE FUNCTION posterior_combine(posterior_state, posterior_state) RETURNS posterior_state
	AS 'MODULE_PATHNAME', 'posterior_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION posterior_combine(posterior_state, posterior_state) IS
'Combine function of posterior().';

CREATE FUNCTION posterior_final(posterior_state) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'posterior_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION posterior_final(posterior_state) IS
'Final function of posterior().';

CREATE AGGREGATE posterior(model annotator_model, annotator text, label text) (
	SFUNC = posterior_accum,
	STYPE = posterior_state,
	SSPACE = 256,
	FINALFUNC = posterior_final,
	COMBINEFUNC = posterior_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE posterior(annotator_model, text, text) IS
'Posterior over classes of the item whose annotations are the rows: GROUP BY item. The same as consensus() to the bit, whatever the order of the rows. Rows with a NULL are skipped; no rows: NULL. Fetch the model once: posterior((SELECT model FROM fitted), annotator, label); a sort would copy one that is joined to the rows and not stored (NOTICE at 64 MB of copies, error beyond the larger of 1 GB and noisylabel.memory_limit).';

CREATE AGGREGATE posterior(model annotator_model, annotator "any", label "any") (
	SFUNC = posterior_accum,
	STYPE = posterior_state,
	SSPACE = 256,
	FINALFUNC = posterior_final,
	COMBINEFUNC = posterior_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE posterior(annotator_model, "any", "any") IS
'Posterior over classes of the item whose annotations are the rows: GROUP BY item. The same as consensus() to the bit, whatever the order of the rows. Rows with a NULL are skipped; no rows: NULL. Fetch the model once: posterior((SELECT model FROM fitted), annotator, label); a sort would copy one that is joined to the rows and not stored (NOTICE at 64 MB of copies, error beyond the larger of 1 GB and noisylabel.memory_limit).';

CREATE FUNCTION label_distribution(labels text[], probabilities float8[]) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'label_distribution_from_arrays' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION label_distribution(text[], float8[]) IS
'A distribution from distinct labels and probabilities; a sum within 0.011 of 1 is rescaled to 1, any other is an error.';

CREATE FUNCTION labels(label_distribution) RETURNS text[]
	AS 'MODULE_PATHNAME', 'label_distribution_labels_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION labels(label_distribution) IS
'Labels in order.';

CREATE FUNCTION top_label(label_distribution) RETURNS text
	AS 'MODULE_PATHNAME', 'label_distribution_top_label' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION top_label(label_distribution) IS
'The most probable label; ties (within 1e-9): the first in order.';

CREATE FUNCTION confidence(label_distribution) RETURNS float8
	AS 'MODULE_PATHNAME', 'label_distribution_confidence' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION confidence(label_distribution) IS
'Probability of top_label().';

CREATE FUNCTION entropy(label_distribution) RETURNS float8
	AS 'MODULE_PATHNAME', 'label_distribution_entropy' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION entropy(label_distribution) IS
'Shannon entropy in bits: 0 for certainty, log2(K) for K equal labels.';

CREATE FUNCTION margin(label_distribution) RETURNS float8
	AS 'MODULE_PATHNAME', 'label_distribution_margin' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION margin(label_distribution) IS
'Largest probability less the second largest.';

CREATE FUNCTION probability(label_distribution, label text) RETURNS float8
	AS 'MODULE_PATHNAME', 'label_distribution_probability' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION probability(label_distribution, text) IS
'Probability of a label; 0 for one that the distribution does not have.';

CREATE FUNCTION probabilities(label_distribution, OUT label text, OUT probability float8) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'label_distribution_probabilities' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 5;
COMMENT ON FUNCTION probabilities(label_distribution) IS
'A row for each label, in order.';

--
-- 3. Classifier and out-of-fold predictions
--

CREATE FUNCTION training_set_accum(training_set, label text, features float8[]) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, text, float8[]) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, label text, features float8[], options jsonb) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_options' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, text, float8[], jsonb) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, label text, features float8[], weight float8) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_weight' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, text, float8[], float8) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, label text, features float8[], weight float8, options jsonb) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_weight_options' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, text, float8[], float8, jsonb) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, label "any", features float8[]) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_any' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, "any", float8[]) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, label "any", features float8[], options jsonb) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_any_options' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, "any", float8[], jsonb) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, label "any", features float8[], weight float8) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_any_weight' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, "any", float8[], float8) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, label "any", features float8[], weight float8, options jsonb) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_any_weight_options' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, "any", float8[], float8, jsonb) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, target label_distribution, features float8[]) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_soft' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, label_distribution, float8[]) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, target label_distribution, features float8[], options jsonb) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_soft_options' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, label_distribution, float8[], jsonb) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, target label_distribution, features float8[], weight float8) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_soft_weight' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, label_distribution, float8[], float8) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, target label_distribution, features float8[], weight float8, options jsonb) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_soft_weight_options' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, label_distribution, float8[], float8, jsonb) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, label text, features float8[], options text) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_text_options' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, text, float8[], text) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, label text, features float8[], weight float8, options text) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_weight_text_options' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, text, float8[], float8, text) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, label "any", features float8[], options text) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_any_text_options' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, "any", float8[], text) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, label "any", features float8[], weight float8, options text) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_any_weight_text_options' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, "any", float8[], float8, text) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, target label_distribution, features float8[], options text) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_soft_text_options' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, label_distribution, float8[], text) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_accum(training_set, target label_distribution, features float8[], weight float8, options text) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_accum_soft_weight_text_options' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_accum(training_set, label_distribution, float8[], float8, text) IS
'Transition function of logistic_regression(). A row with a NULL is skipped.';

CREATE FUNCTION training_set_combine(training_set, training_set) RETURNS training_set
	AS 'MODULE_PATHNAME', 'training_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION training_set_combine(training_set, training_set) IS
'Combine function of logistic_regression(): all rows of both sets. Either side may be NULL.';

CREATE FUNCTION logistic_regression_final(training_set) RETURNS classifier
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION logistic_regression_final(training_set) IS
'Final function of logistic_regression().';

CREATE AGGREGATE logistic_regression(label text, features float8[]) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression(text, float8[]) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(label text, features float8[], options jsonb) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression(text, float8[], jsonb) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(label text, features float8[], weight float8) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression(text, float8[], float8) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(label text, features float8[], weight float8, options jsonb) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression(text, float8[], float8, jsonb) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(label "any", features float8[]) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression("any", float8[]) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(label "any", features float8[], options jsonb) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression("any", float8[], jsonb) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(label "any", features float8[], weight float8) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression("any", float8[], float8) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(label "any", features float8[], weight float8, options jsonb) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression("any", float8[], float8, jsonb) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(target label_distribution, features float8[]) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression(label_distribution, float8[]) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(target label_distribution, features float8[], options jsonb) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression(label_distribution, float8[], jsonb) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(target label_distribution, features float8[], weight float8) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression(label_distribution, float8[], float8) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(target label_distribution, features float8[], weight float8, options jsonb) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression(label_distribution, float8[], float8, jsonb) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(label text, features float8[], options text) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression(text, float8[], text) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(label text, features float8[], weight float8, options text) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression(text, float8[], float8, text) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(label "any", features float8[], options text) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression("any", float8[], text) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(label "any", features float8[], weight float8, options text) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression("any", float8[], float8, text) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(target label_distribution, features float8[], options text) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression(label_distribution, float8[], text) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE AGGREGATE logistic_regression(target label_distribution, features float8[], weight float8, options text) (
	SFUNC = training_set_accum,
	STYPE = training_set,
	SSPACE = 8192,
	FINALFUNC = logistic_regression_final,
	COMBINEFUNC = training_set_combine,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE logistic_regression(label_distribution, float8[], float8, text) IS
'Multinomial logistic regression with an L2 penalty on coefficients, not intercepts: scikit-learn''s, with C = 1 / l2, features standardised by weighted mean and deviation. label: of any type, or target label_distribution (soft targets); features float8[] of one length (NULL, NaN, infinity in it: error); weight finite and >= 0. options: l2 1 (0 to 1e12), class_weight "none" ("balanced": weight / (classes * weight of the class)), max_iterations 1000 (1 to 1000000), tolerance 1e-5 (of the Newton decrement: distance to the optimum in standard errors; 1e-12 to 1). A row with a NULL is skipped; no rows: NULL; one class, or all weights 0: error.';

CREATE FUNCTION predict(classifier, features float8[]) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'classifier_predict' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION predict(classifier, float8[]) IS
'Probabilities of the classes of a classifier for a row of features. Another number of features than it was fitted to, NULL, NaN or infinity in them: error. Fetch the classifier once: predict((SELECT classifier FROM learned), features); a sort would copy one that is joined to the rows and not stored (NOTICE at 64 MB of copies, error beyond the larger of 1 GB and noisylabel.memory_limit).';

CREATE FUNCTION coefficients(classifier, OUT label text, OUT feature int, OUT coefficient float8) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'classifier_coefficients' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 100;
COMMENT ON FUNCTION coefficients(classifier) IS
'A row for each coefficient, on the scale of the input; feature 0 is the intercept. Three or more classes: for each class, summing to 0 over the classes (softmax). Two classes: only for the second, the log-odds against the first, as scikit-learn''s coef_.';

CREATE FUNCTION labels(classifier) RETURNS text[]
	AS 'MODULE_PATHNAME', 'classifier_labels' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION labels(classifier) IS
'The classes of a classifier, in order.';

CREATE FUNCTION fit_report(classifier, OUT method text, OUT rows bigint, OUT weight float8, OUT features int, OUT classes int, OUT iterations int, OUT converged boolean, OUT gradient float8, OUT log_loss float8, OUT options jsonb) RETURNS record
	AS 'MODULE_PATHNAME', 'classifier_fit_report' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION fit_report(classifier) IS
'The record of a fit: training rows with a weight above 0 and their weight; gradient is what tolerance is compared with; log_loss the mean over the training rows, in nats, without the penalty.';

CREATE FUNCTION oof_predict(label text, features float8[]) RETURNS label_distribution
	AS 'MODULE_PATHNAME' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(text, float8[]) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label text, features float8[], options jsonb) RETURNS label_distribution
	AS 'MODULE_PATHNAME' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(text, float8[], jsonb) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label text, features float8[], "group" text) RETURNS label_distribution
	AS 'MODULE_PATHNAME' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(text, float8[], text) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label text, features float8[], "group" text, options jsonb) RETURNS label_distribution
	AS 'MODULE_PATHNAME' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(text, float8[], text, jsonb) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label text, features float8[], "group" text, weight float8, options jsonb) RETURNS label_distribution
	AS 'MODULE_PATHNAME' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(text, float8[], text, float8, jsonb) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label "any", features float8[]) RETURNS label_distribution
	AS 'MODULE_PATHNAME' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict("any", float8[]) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label "any", features float8[], options jsonb) RETURNS label_distribution
	AS 'MODULE_PATHNAME' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict("any", float8[], jsonb) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label "any", features float8[], "group" "any") RETURNS label_distribution
	AS 'MODULE_PATHNAME' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict("any", float8[], "any") IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label "any", features float8[], "group" "any", options jsonb) RETURNS label_distribution
	AS 'MODULE_PATHNAME' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict("any", float8[], "any", jsonb) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label "any", features float8[], "group" "any", weight float8, options jsonb) RETURNS label_distribution
	AS 'MODULE_PATHNAME' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict("any", float8[], "any", float8, jsonb) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(target label_distribution, features float8[]) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict_soft' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(label_distribution, float8[]) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(target label_distribution, features float8[], options jsonb) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict_soft' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(label_distribution, float8[], jsonb) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(target label_distribution, features float8[], "group" "any") RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict_soft' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(label_distribution, float8[], "any") IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(target label_distribution, features float8[], "group" "any", options jsonb) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict_soft' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(label_distribution, float8[], "any", jsonb) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(target label_distribution, features float8[], "group" "any", weight float8, options jsonb) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict_soft' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(label_distribution, float8[], "any", float8, jsonb) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label text, features float8[], "group" text, options text) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(text, float8[], text, text) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label text, features float8[], "group" text, weight float8, options text) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(text, float8[], text, float8, text) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label "any", features float8[], "group" text) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict("any", float8[], text) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label "any", features float8[], "group" text, options jsonb) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict("any", float8[], text, jsonb) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label "any", features float8[], "group" text, weight float8, options jsonb) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict("any", float8[], text, float8, jsonb) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label "any", features float8[], "group" text, options text) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict("any", float8[], text, text) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label "any", features float8[], "group" text, weight float8, options text) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict("any", float8[], text, float8, text) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label "any", features float8[], "group" "any", options text) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict("any", float8[], "any", text) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(label "any", features float8[], "group" "any", weight float8, options text) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict("any", float8[], "any", float8, text) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(target label_distribution, features float8[], "group" text) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict_soft' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(label_distribution, float8[], text) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(target label_distribution, features float8[], "group" text, options jsonb) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict_soft' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(label_distribution, float8[], text, jsonb) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(target label_distribution, features float8[], "group" text, weight float8, options jsonb) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict_soft' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(label_distribution, float8[], text, float8, jsonb) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(target label_distribution, features float8[], "group" text, options text) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict_soft' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(label_distribution, float8[], text, text) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(target label_distribution, features float8[], "group" text, weight float8, options text) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict_soft' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(label_distribution, float8[], text, float8, text) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(target label_distribution, features float8[], "group" "any", options text) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict_soft' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(label_distribution, float8[], "any", text) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';

CREATE FUNCTION oof_predict(target label_distribution, features float8[], "group" "any", weight float8, options text) RETURNS label_distribution
	AS 'MODULE_PATHNAME', 'oof_predict_soft' LANGUAGE C WINDOW STABLE PARALLEL SAFE;
COMMENT ON FUNCTION oof_predict(label_distribution, float8[], "any", float8, text) IS
'For each row of the partition the prediction of a logistic regression (see logistic_regression()) that was fitted without any row of its fold. Rows of one group are never in different folds; nor are rows with equal features while fewer than 10 rows share a vector on average (rows / different vectors), or as option duplicates says; labels are spread evenly. A row without features gives NULL; one without label or weight is judged but teaches nothing. options: folds 5 (2 to 100), seed 0, duplicates (auto, together, split), and those of logistic_regression(), but tolerance 1e-3. Input order does not matter, but for which of rows that are equal in all gets which of their predictions.';
