package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/simbind/simbind/personalize/ledger/summary"
)

//go:embed batchpage.html
var batchPageText string

// batchPageTemplate is the HTML of a batch report: one file, nothing fetched, no script; also well-formed XML. Whatever shows a figure
// names it by data-of as the JSON has it.
var batchPageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"duration": duration, "number": number, "when": when, "interval": interval, "batchCaption": batchCaption,
}).Parse(batchPageText))

// maxRows bounds a table of the page; the JSON has all rows.
const maxRows = 200

// pageView is the report as the page wants it.
type pageView struct {
	*batchReport
	Tool       string
	Parts      []balancePart
	Marks      []mark
	Throughput columns
	Cycle      columns
	Steps      bars
	Causes     bars
	Groups     []groupTable
	Cut        bool // a table has more rows than the page
}

// groupTable is a table of readers, stations or operators. Of is its name in the JSON.
type groupTable struct {
	Of, Title string
	Station   bool
	Reader    bool
	Operator  bool
	Rows      []summary.Group
}

func batchPage(w io.Writer, r *batchReport) error {
	v := &pageView{
		batchReport: r, Tool: "simbind " + version, Parts: r.parts(), Marks: balanceMarks(r.parts()),
		Throughput: throughputPlot(r.Summary.Throughput), Cycle: cyclePlot(r.Summary.Cycle), Steps: stepBars(r.Summary.Steps), Causes: causeBars(r.Summary.Causes),
	}
	v.Groups = []groupTable{
		{Of: "readers", Title: "Readers", Station: true, Reader: true, Rows: atMost(v, r.Readers)},
		{Of: "stations", Title: "Stations", Station: true, Rows: atMost(v, r.Stations)},
		{Of: "operators", Title: "Operators", Operator: true, Rows: atMost(v, r.Operators)},
	}
	return batchPageTemplate.Execute(w, v)
}

// StepRows and the like are the rows of tables, as many as the page has.
func (v *pageView) StepRows() []summary.Step         { return atMost(v, v.Summary.Steps) }
func (v *pageView) CauseRows() []summary.Cause       { return atMost(v, v.Summary.Causes) }
func (v *pageView) AttemptRows() []summary.Attempts  { return atMost(v, v.Retries.ByAttempts) }
func (v *pageView) ApprovalRows() []summary.Approval { return atMost(v, v.Job.Approvals) }

func atMost[T any](v *pageView, rows []T) []T {
	if len(rows) > maxRows {
		v.Cut = true
		return rows[:maxRows]
	}
	return rows
}

// when shows a time of the JSON for people.
func when(rfc3339 string) string {
	return strings.Replace(strings.Replace(rfc3339, "T", " ", 1), "Z", " UTC", 1)
}

// interval shows seconds in the largest unit that they fill.
func interval(seconds int64) string {
	switch {
	case seconds%86400 == 0:
		return fmt.Sprint(seconds/86400, " d")
	case seconds%3600 == 0:
		return fmt.Sprint(seconds/3600, " h")
	}
	return fmt.Sprint(seconds/60, " min")
}

// batchCaption says whether identities are whole.
func batchCaption(revealed bool) string {
	if revealed {
		return "Identities are shown whole (--reveal): keep this file as you keep the cards."
	}
	return "Identities are shortened."
}
