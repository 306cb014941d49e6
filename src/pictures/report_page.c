/*
 * report_page.c
 *		The page: what is known in numbers, warnings, pictures, lists.  It is HTML that
 *		is well-formed XML as well, has no script, and loads nothing.
 */
#include "pictures/report.h"

#include <math.h>

#define CLASSES_MOST 20			/* of an annotator's matrix */
#define CROWD_CLASSES_MOST 40
#define SHORT_LIST 30			/* of annotators, below which there is room */

static const char *const page_style =
":root{color-scheme:light dark}"
"*{box-sizing:border-box}"
"body{margin:0;font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",sans-serif;background:#fff;color:#1a1a1a;overflow-wrap:anywhere}"
"main{max-width:1120px;margin:0 auto;padding:28px 16px 56px}"
"h1{font-size:30px;line-height:1.2;margin:0}h2{font-size:22px;line-height:1.25;margin:44px 0 14px}h3{font-size:16px;line-height:1.4;margin:0;color:#1a1a1a}"
"p{margin:6px 0;max-width:75ch}.dim,figcaption,.who,footer{color:#5a5f66}"
"figcaption,footer,.who{font-size:14px}figcaption{margin:2px 0 10px}"
".tiles{list-style:none;padding:0;display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:12px;margin:22px 0}"
".tiles li,figure,details{border:1px solid #dde1e6;border-radius:10px;padding:12px 14px}"
".tiles li{font-size:14px;line-height:1.3;color:#5a5f66}.tiles b{display:block;color:#1a1a1a;font-size:26px;line-height:1.25;font-weight:650;font-variant-numeric:tabular-nums}"
".warnings{list-style:none;padding:0;margin:0}.warnings li{border-left:5px solid #d55e00;background:rgba(213,94,0,.08);border-radius:0 8px 8px 0;padding:9px 14px;margin:8px 0}"
".fine{border-left:5px solid #0072b2;background:rgba(0,114,178,.08);border-radius:0 8px 8px 0;padding:9px 14px}"
".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:16px;align-items:start}"
".small{grid-template-columns:repeat(auto-fill,minmax(min(100%,320px),1fr))}"
".cards .stack{display:grid;gap:16px;grid-template-columns:minmax(0,1fr)}"
"figure{margin:0;min-width:0}svg{display:block;width:100%;max-width:520px;height:auto;margin:0 auto}"
".items{list-style:none;margin:0;padding:0}.items li{padding:10px 0;border-top:1px solid #dde1e6}"
".items{columns:2 400px;column-gap:32px}.items li{break-inside:avoid}.share b{font-weight:600}.share{display:inline-block;margin-right:12px}"
"@media (min-width:760px){.tiles{grid-template-columns:repeat(5,minmax(0,1fr))}}"
"time{white-space:nowrap}.cards+p{margin:22px 0 12px}"
".name{font-weight:600}.tag{font-size:12px;font-weight:500;border:1px solid #d55e00;color:#b04d00;border-radius:9px;padding:0 7px}"
".bar{display:flex;height:12px;margin:4px 0;border-radius:3px;overflow:hidden;background:rgba(118,118,118,.16)}.bar i{display:block}"
".key{display:inline-block;width:9px;height:9px;border-radius:2px}"
".s0{background:#0072b2}.s1{background:#e69f00}.s2{background:#8a9199}.s3{background:#c3c8ce}"
".who b{color:#1a1a1a;font-weight:600}"
"details{margin-top:16px}summary{cursor:pointer;font-weight:600}.scroll{overflow-x:auto;margin-top:10px}"
"table{border-collapse:collapse;font-size:14px;overflow-wrap:normal}th,td{text-align:left;vertical-align:top;padding:4px 12px 4px 0;border-bottom:1px solid #dde1e6}"
"td:last-child{min-width:240px}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
"@media (max-width:480px){.tiles{gap:8px}.tiles li{padding:8px 9px}.tiles li{font-size:12.5px}.tiles b{font-size:20px}h1{font-size:26px}figure{padding:12px 10px}}"
"footer{margin-top:44px;border-top:1px solid #dde1e6;padding-top:12px}"
"@media screen and (prefers-color-scheme:dark){"
"body{background:#16191d;color:#f0f0f0}.dim,figcaption,.tiles li,.who,footer{color:#aab1b9}"
".tiles li,figure,details,.items li,th,td,footer{border-color:#343a41}"
".warnings li{border-color:#f08a3c;background:rgba(240,138,60,.13)}.fine{border-color:#56b4e9;background:rgba(86,180,233,.13)}"
".tag{border-color:#f08a3c;color:#f0a060}.who b,.tiles b,h3{color:#f0f0f0}"
".s0{background:#56b4e9}.s2{background:#7d858e}.s3{background:#4c535b}}"
"@media print{@page{margin:14mm}body{font-size:11pt}main{padding:0;max-width:none}"
".tiles{grid-template-columns:repeat(5,1fr);gap:8px}.tiles b{font-size:18pt}h2{break-after:avoid;margin-top:24px}.items{columns:2}"
".cards{grid-template-columns:1fr 1fr}.small{grid-template-columns:1fr 1fr 1fr}"
".tiles li,figure,.items li,.warnings li{break-inside:avoid}.list{break-inside:auto}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";

static void
page_head(StringInfo buf, const Report *r)
{
	appendStringInfoString(buf, "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head><meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/><meta name=\"color-scheme\" content=\"light dark\"/><title>");
	markup_append_name(buf, name_of(r->options.title), WHOLE_NAME);
	appendStringInfo(buf, "</title>\n<style>%s\n%s</style></head>\n<body><main><header><h1>", page_style, markup_style);
	markup_append_name(buf, name_of(r->options.title), WHOLE_NAME);
	appendStringInfoString(buf, "</h1></header>\n");
}

static void
tile(StringInfo buf, const char *what, double value, bool percent)
{
	appendStringInfoString(buf, "<li><b");
	markup_number(buf, "data-value", value);
	appendStringInfoChar(buf, '>');
	if (percent)
		markup_percent(buf, value);
	else
		markup_count(buf, value);
	appendStringInfo(buf, "</b> %s</li>", what);
}

static void
page_tiles(StringInfo buf, const Report *r)
{
	int64		gold = 0;

	for (uint32 i = 0; i < r->view.items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		gold += annotation_gold(&r->view, i) != NO_GOLD;
	}
	appendStringInfoString(buf, "<ul class=\"tiles\">");
	tile(buf, "items", r->view.items, false);
	tile(buf, "annotators", r->view.annotators.n, false);
	tile(buf, "answers", r->view.annotations, false);
	tile(buf, "answers per item", r->view.items > 0 ? (double) r->view.annotations / r->view.items : 0, false);
	tile(buf, "labels", r->classes.n, false);
	if (gold > 0)
		tile(buf, "items with gold", gold, false);
	if (r->items > 0)
	{
		tile(buf, "mean confidence", r->confidence / r->items, true);
		tile(buf, "items at 95 % or more", (double) r->sure / r->items, true);
		tile(buf, "ties", r->tied, false);
		tile(buf, "against the majority", r->against, false);
	}
	appendStringInfoString(buf, "</ul>\n");
}

static void
page_warnings(StringInfo buf, const Report *r)
{
	const AnnotatorModelView *m = &r->model;

	if (m->n_warnings == 0)
	{
		appendStringInfoString(buf, "<p class=\"fine\">The fit has nothing to warn of.</p>\n");
		return;
	}
	appendStringInfo(buf, "<section><h2>%u warning%s</h2><ul class=\"warnings\">", m->n_warnings,
					 m->n_warnings == 1 ? "" : "s");
	for (uint32 i = 0; i < m->n_warnings; i++)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(buf, "<li>");
		markup_append(buf, name_of(m->warnings[i]));
		appendStringInfoString(buf, "</li>");
	}
	appendStringInfoString(buf, "</ul></section>\n");
}

/*
 * Figures: a head, what the picture says in a sentence, the picture
 */
static void
figure_begin(StringInfo buf, const char *head)
{
	appendStringInfo(buf, "<figure><figcaption><h3>%s</h3>", head);
}

static void
reliability_figure(StringInfo buf, const Report *r)
{
	const Standings *s = &r->standings;
	uint32		better = 0;
	Caption		caption = {name_of("Annotators by accuracy"), false};

	for (uint32 i = 0; i < s->n; i++)
		better += s->at[i].known && s->at[i].low > s->chance;
	figure_begin(buf, "Who can be trusted");
	appendStringInfoString(buf, "Share of right answers with its 95 % interval, the best lower bound first. ");
	if (s->known == 0)
		appendStringInfoString(buf, "Nothing tells how often anybody is right.");
	else
	{
		markup_count(buf, better);
		appendStringInfoString(buf, " of ");
		markup_count(buf, s->n);
		appendStringInfoString(buf, " are surely better than always saying the commonest label.");
	}
	appendStringInfoString(buf, "</figcaption>");
	reliability_picture(buf, s, &caption);
	appendStringInfoString(buf, "</figure>\n");
}

static void
confidence_figure(StringInfo buf, const Report *r)
{
	int64		other = r->view.items - r->items;

	if (r->items == 0)
		return;
	figure_begin(buf, "How sure the consensus is");
	markup_count(buf, r->sure);
	appendStringInfoString(buf, " of ");
	markup_count(buf, r->items);
	appendStringInfoString(buf, " items are at 95 % confidence or more.");
	if (other > 0)
	{
		appendStringInfoChar(buf, ' ');
		markup_count(buf, other);
		appendStringInfoString(buf, " with gold, or without an answer that names a label, are left out.");
	}
	appendStringInfoString(buf, "</figcaption>");
	confidence_picture(buf, r);
	appendStringInfoString(buf, "</figure>\n");
}

static void
labels_figure(StringInfo buf, const Report *r)
{
	if (r->labelled == 0)
		return;
	figure_begin(buf, "What it says");
	appendStringInfoString(buf, "Items by the label of the consensus.</figcaption>");
	labels_picture(buf, r);
	appendStringInfoString(buf, "</figure>\n");
}

/* An annotator's expected counts are added to "sum"; both have the truth first. */
static void
add_counts(const AnnotatorModelView *model, uint32 annotator, double *buffer, double *sum)
{
	double	   *truth_first = buffer + model_cells(model);

	annotator_model_counts(model, annotator, buffer, NULL);
	model_matrix_transpose(buffer, truth_first, model->labels.n);
	for (Size i = 0; i < model_cells(model); i++)
	{
		NL_CHECK_INTERRUPTS(i);
		sum[i] += truth_first[i];
	}
}

/* The most frequent error of the crowd, in words. */
static void
worst_error(StringInfo buf, const Names *labels, const double *counts)
{
	uint32		n = labels->n;
	uint32		truth = 0;
	uint32		label = 0;
	double		most = 0;
	double		row = 0;

	for (uint32 k = 0; k < n; k++)
		for (uint32 l = 0; l < n; l++)
		{
			NL_CHECK_INTERRUPTS(l);
			if (k == l || counts[(Size) k * n + l] <= most)
				continue;
			most = counts[(Size) k * n + l];
			truth = k;
			label = l;
		}
	if (most < 0.5)
		return;
	for (uint32 l = 0; l < n; l++)
		row += counts[(Size) truth * n + l];
	appendStringInfoString(buf, " The most frequent error: ");
	markup_append_name(buf, names_get(labels, truth), LETTERS(40));
	appendStringInfoString(buf, " called ");
	markup_append_name(buf, names_get(labels, label), LETTERS(40));
	appendStringInfoString(buf, ", ");
	markup_percent(buf, most / row);
	appendStringInfoString(buf, " of its answers.");
}

static void
crowd_figure(StringInfo buf, const Report *r, double *buffer, double *counts)
{
	ConfusionPicture picture = {&r->model.labels, counts, CROWD_CLASSES_MOST};
	Caption		caption = {name_of("What is confused with what, all annotators"), false};

	for (uint32 j = 0; j < r->model.annotators.n; j++)
	{
		CHECK_FOR_INTERRUPTS();
		add_counts(&r->model, j, buffer, counts);
	}
	figure_begin(buf, "What is confused with what");
	appendStringInfoString(buf, "All annotators together: of the answers to items that the model takes for a label (row), which label they give.");
	worst_error(buf, picture.labels, counts);
	appendStringInfoString(buf, "</figcaption>");
	confusion_picture(buf, &picture, &caption);
	appendStringInfoString(buf, "</figure>\n");
}

static void
annotator_figure(StringInfo buf, const Report *r, const Standing *a, double *buffer, double *counts)
{
	NameView	name = names_get(r->standings.annotators, a->annotator);
	ConfusionPicture picture = {&r->model.labels, counts, CLASSES_MOST};
	StringInfoData title;
	Caption		caption;

	initStringInfo(&title);
	appendStringInfoString(&title, "What is confused with what by ");
	appendBinaryStringInfo(&title, name.s, name.len);
	caption = (Caption) {{title.data, title.len}, false};
	memset(counts, 0, model_cells(&r->model) * sizeof(double));
	add_counts(&r->model, a->annotator, buffer, counts);
	appendStringInfoString(buf, "<figure><figcaption><h3>");
	markup_append_name(buf, name, LETTERS(60));
	appendStringInfo(buf, "</h3>%.0f %% right (%.0f&#8211;%.0f), ", 100 * a->accuracy,
					 100 * a->low, 100 * a->high);
	markup_count(buf, a->answers);
	appendStringInfoString(buf, " answers</figcaption>");
	confusion_picture(buf, &picture, &caption);
	appendStringInfoString(buf, "</figure>\n");
	pfree(title.data);
}

/* Those with the least lower bound, of those who are known. */
static void
annotator_figures(StringInfo buf, const Report *r, double *buffer, double *counts)
{
	const Standings *s = &r->standings;
	uint32		n = Min(s->known, (uint32) r->options.confusions);

	if (n == 0)
		return;
	appendStringInfoString(buf, "<section><h2>What the least reliable confuse</h2><div class=\"cards small\">");
	for (uint32 i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		annotator_figure(buf, r, &s->at[s->known - 1 - i], buffer, counts);
	}
	appendStringInfoString(buf, "</div></section>\n");
}

static void
calibration_figure(StringInfo buf, const Report *r)
{
	Caption		caption = {name_of("Calibration of the consensus on items with gold"), false};
	ReliabilityBins bins;
	CalibrationPicture picture;

	if (r->gold == NULL)
		return;
	bins = bins_of_top_label(r->gold);
	picture = calibration_picture_of(&bins);
	figure_begin(buf, "Is the confidence a promise that is kept?");
	appendStringInfoString(buf, "Items with gold, as the answers alone decide them. The model has learned from their gold, so this flatters it; where marks lie below the line, it is too sure all the same.</figcaption>");
	calibration_picture(buf, &picture, &caption);
	appendStringInfoString(buf, "</figure>\n");
}

static void
agreement_figure(StringInfo buf, const Report *r)
{
	StringInfoData picture;

	initStringInfo(&picture);
	if (!agreement_picture(&picture, r))
		return;
	figure_begin(buf, "Who agrees with whom");
	appendStringInfoString(buf, "Share of common items with the same answer, in the order of reliability. Two who agree far more with each other than with the rest may copy, or err alike.</figcaption>");
	appendBinaryStringInfo(buf, picture.data, picture.len);
	appendStringInfoString(buf, "</figure>\n");
}

static void
page_foot(StringInfo buf, const Report *r)
{
	const AnnotatorModelView *m = &r->model;

	appendStringInfoString(buf, "<footer>Fitted by ");
	markup_append(buf, name_of(m->method));
	appendStringInfo(buf, ", %d iterations, %s; options ", m->iterations,
					 m->converged ? "converged" : "not converged");
	markup_append(buf, name_of(m->options));
	appendStringInfo(buf, ". What is behind the pictures: annotators(), consensus(), cells(), pairwise_agreement(), calibration().</footer></main></body></html>\n");
}

void
report_page(StringInfo buf, const Report *r)
{
	Size		cells = model_cells(&r->model);
	double	   *buffer = palloc(2 * cells * sizeof(double));
	double	   *counts = palloc0(cells * sizeof(double));
	bool		tall = r->standings.n > SHORT_LIST;

	page_head(buf, r);
	page_tiles(buf, r);
	page_warnings(buf, r);
	appendStringInfoString(buf, "<section><h2>Annotators and labels</h2><div class=\"cards\">");
	appendStringInfoString(buf, "<div class=\"stack\">");
	reliability_figure(buf, r);
	if (!tall)
		confidence_figure(buf, r);
	appendStringInfoString(buf, "</div><div class=\"stack\">");
	crowd_figure(buf, r, buffer, counts);
	if (tall)
		confidence_figure(buf, r);
	labels_figure(buf, r);
	appendStringInfoString(buf, "</div></div></section>\n");
	report_times(buf, r);
	report_items(buf, r);
	annotator_figures(buf, r, buffer, counts);
	appendStringInfoString(buf, "<section><h2>Agreement and gold</h2><div class=\"cards\">");
	agreement_figure(buf, r);
	calibration_figure(buf, r);
	appendStringInfoString(buf, "</div>");
	report_annotators(buf, r);
	appendStringInfoString(buf, "</section>\n");
	page_foot(buf, r);
}
