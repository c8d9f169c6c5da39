package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/personalize/ledger/summary"
)

// reported reads the only job of a ledger.
func batchReported(t *testing.T, path string) *batchReport {
	t.Helper()
	ctx := context.Background()
	l, err := ledger.Open(ctx, path, ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	jobs, err := l.Jobs(ctx)
	if err != nil || len(jobs) != 1 {
		t.Fatalf("%d jobs, %v", len(jobs), err)
	}
	r, err := (&app{}).readBatch(ctx, l, jobs[0], func(reportRow) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func paged(t *testing.T, r *batchReport) string {
	t.Helper()
	var b bytes.Buffer
	if err := batchPage(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// brokenBench is a ledger somebody changed.
func brokenBench(t *testing.T) string {
	t.Helper()
	path := benchFile(t, 20, false)
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range []string{`DROP TRIGGER records_fixed`, `DROP TRIGGER records_kept`, `UPDATE records SET body = body || ' ' WHERE seq = 9`, `DELETE FROM records WHERE seq = 20`} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// TestPageEqualsJSON: whatever number stands on the page is that of the JSON, and the bars are as long as their numbers say.
func TestPageEqualsJSON(t *testing.T) {
	for name, path := range map[string]string{
		"morning": benchFile(t, 60, false), "sealed": benchFile(t, 60, true), "nothing done": benchFile(t, 2, false), "one card": benchFile(t, 3, false), "broken": brokenBench(t),
	} {
		t.Run(name, func(t *testing.T) {
			r := batchReported(t, path)
			b, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate("batch-report", string(b)); err != nil {
				t.Fatal(err)
			}
			p := &pageCheck{t: t, doc: numbered(t, b)}
			p.walk(paged(t, r))
			p.drawings()
			if len(p.seen) < 15 {
				t.Errorf("only %d figures on the page", len(p.seen))
			}
		})
	}
}

func numbered(t *testing.T, b []byte) (doc any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// pageCheck walks a page beside the JSON it shows.
type pageCheck struct {
	t     *testing.T
	doc   any
	seen  map[string]bool
	open  []*element
	marks [][]*element // of every drawing
	ticks []map[float64]float64
}

// element is one of the page, with the text in it and below it.
type element struct {
	name  string
	attrs map[string]string
	text  string
}

func (p *pageCheck) walk(page string) {
	p.seen = map[string]bool{}
	d := xml.NewDecoder(strings.NewReader(page))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			p.t.Fatalf("not well-formed: %v", err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			p.start(x)
		case xml.CharData:
			p.chars(string(x))
		case xml.EndElement:
			p.end()
		}
	}
}

func (p *pageCheck) start(x xml.StartElement) {
	e := &element{name: x.Name.Local, attrs: map[string]string{}}
	for _, a := range x.Attr {
		e.attrs[a.Name.Local] = a.Value
	}
	p.open = append(p.open, e)
	switch {
	case e.name == "svg":
		p.marks, p.ticks = append(p.marks, nil), append(p.ticks, map[float64]float64{})
	case e.name == "rect":
		p.marks[len(p.marks)-1] = append(p.marks[len(p.marks)-1], e)
	}
}

var digit = regexp.MustCompile(`\d`)

// chars: a number belongs to a figure, but for the heads of tables and the scale of a drawing.
func (p *pageCheck) chars(text string) {
	explained := false
	for _, e := range p.open {
		e.text += text
		class := e.attrs["class"]
		explained = explained || e.attrs["data-of"] != "" || e.name == "head" || e.name == "thead" || strings.HasPrefix(class, "tick")
	}
	if !explained && digit.MatchString(text) {
		p.t.Errorf("%q is no figure of the JSON", strings.TrimSpace(text))
	}
}

func (p *pageCheck) end() {
	e := p.open[len(p.open)-1]
	p.open = p.open[:len(p.open)-1]
	if e.attrs["class"] == "tick left" {
		p.ticks[len(p.ticks)-1][number64(p.t, e.text)] = number64(p.t, e.attrs["y"])
	}
	of := e.attrs["data-of"]
	if of == "" {
		return
	}
	p.seen[of] = true
	if e.name != "rect" && e.name != "line" {
		p.compare(of, e.text)
	}
}

func number64(t *testing.T, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// at finds a value by its path; nil is one that is absent.
func (p *pageCheck) at(of string) any {
	v := p.doc
	for _, name := range strings.Split(of, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(x) {
				p.t.Fatalf("%s: %d rows", of, len(x))
			}
			v = x[i]
		default:
			p.t.Fatalf("%s is not in the JSON", of)
		}
	}
	return v
}

func (p *pageCheck) compare(of, text string) {
	switch v := p.at(of).(type) {
	case nil:
		if text != "" {
			p.t.Errorf("%s is not in the JSON, and %q on the page", of, text)
		}
	case string:
		if !strings.Contains(when(v), text) || text == "" {
			p.t.Errorf("%s is %q in the JSON, and %q on the page", of, v, text)
		}
	case json.Number:
		found := figures(text)
		if len(found) != 1 || !found[0].is(p.t, of, v) {
			p.t.Errorf("%s is %s in the JSON, and %q on the page", of, v, text)
		}
	case map[string]any:
		p.compareAll(of, text, v)
	default:
		p.t.Errorf("%s is %T", of, v)
	}
}

// compareAll holds a text of several numbers against an object.
func (p *pageCheck) compareAll(of, text string, object map[string]any) {
	if at, ok := object["start"].(string); ok {
		shown, rest, _ := strings.Cut(strings.TrimPrefix(text, "from "), ": ")
		if !strings.Contains(when(at), shown) {
			p.t.Errorf("%s begins at %s in the JSON, and at %s on the page", of, at, shown)
		}
		text = rest
	}
	found := figures(text)
	if len(found) == 0 {
		p.t.Errorf("%s: no number in %q", of, text)
	}
	for _, f := range found {
		fits := false
		for name, v := range object {
			n, ok := v.(json.Number)
			fits = fits || ok && f.is(p.t, name, n)
		}
		if !fits {
			p.t.Errorf("%s: %+v of %q is not in the JSON", of, f, text)
		}
	}
}

// figure is a number as the page shows it.
type figure struct{ digits, unit string }

var figurePattern = regexp.MustCompile(`(-?\d+(?:\.\d+)?)(?: (ms|min|s|h|d|%))?`)

func figures(text string) (out []figure) {
	for _, m := range figurePattern.FindAllStringSubmatch(text, -1) {
		out = append(out, figure{m[1], m[2]})
	}
	return out
}

// seconds of a unit.
var seconds = map[string]float64{"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}

// is compares to the last digit that is shown, in the unit that the name of the value ends with.
func (f figure) is(t *testing.T, name string, v json.Number) bool {
	t.Helper()
	factor, half := 1.0, 0.0
	unit, timed := seconds[f.unit]
	switch {
	case strings.HasSuffix(name, "_ms") != timed && !strings.HasSuffix(name, "_s"):
		return false
	case strings.HasSuffix(name, "_ms"):
		_, decimals, _ := strings.Cut(f.digits, ".")
		factor = 1000 * unit
		half = 0.5 * math.Pow10(-len(decimals)) * factor
	case timed:
		factor = unit
	}
	return math.Abs(number64(t, f.digits)*factor-number64(t, v.String())) <= half+1e-9
}

// drawings: in each of them the same number is the same length, which is that of its scale, and all cards are drawn.
func (p *pageCheck) drawings() {
	drawn := map[string]float64{}
	for i, marks := range p.marks {
		if len(marks) == 0 {
			p.t.Error("an empty drawing")
			continue
		}
		unit := 0.0
		for _, m := range marks {
			length, v := p.length(m)
			unit = max(unit, length/v)
			drawn[strings.SplitN(m.attrs["data-of"], ".", 2)[0]] += v
		}
		for _, m := range marks {
			if length, v := p.length(m); math.Abs(length-v*unit) > 0.03+0.01*v {
				p.t.Errorf("%s is %v long, %v fits the others", m.attrs["data-of"], length, v*unit)
			}
		}
		p.scale(p.ticks[i], marks, unit)
	}
	p.whole(drawn)
}

// length of a mark, and the number it stands for.
func (p *pageCheck) length(m *element) (length, value float64) {
	of := m.attrs["data-of"]
	side := "width"
	if strings.HasPrefix(of, "throughput") || strings.HasPrefix(of, "cycle") {
		side = "height"
	}
	return number64(p.t, m.attrs[side]), number64(p.t, p.at(of).(json.Number).String())
}

// scale holds the lengths of columns against the numbers at the left axis.
func (p *pageCheck) scale(ticks map[float64]float64, marks []*element, unit float64) {
	if len(ticks) == 0 {
		return
	}
	top := 0.0
	for v := range ticks {
		top = max(top, v)
	}
	want := (ticks[0] - ticks[top]) / top
	if strings.HasPrefix(marks[0].attrs["data-of"], "throughput") {
		want *= 3600 / number64(p.t, p.at("throughput.interval_s").(json.Number).String())
	}
	if math.Abs(unit/want-1) > 0.01 {
		p.t.Errorf("%s: %v pixels a card, the scale says %v", marks[0].attrs["data-of"], unit, want)
	}
}

// whole: no card is missing in a drawing.
func (p *pageCheck) whole(drawn map[string]float64) {
	for first, parts := range map[string][2]string{"throughput": {"throughput.intervals", "good failed"}, "cycle": {"cycle.histogram", "cards"}} {
		sum := 0.0
		for _, row := range p.at(parts[0]).([]any) {
			for _, name := range strings.Fields(parts[1]) {
				sum += number64(p.t, row.(map[string]any)[name].(json.Number).String())
			}
		}
		if drawn[first] != sum {
			p.t.Errorf("%s: %v cards are drawn, of %v", first, drawn[first], sum)
		}
	}
}

// TestPageNeedsNothing: no script, no address, nothing to fetch.
func TestPageNeedsNothing(t *testing.T) {
	page := paged(t, batchReported(t, benchFile(t, 20, false)))
	for _, word := range []string{"<script", "<link", "<img", "src=", "href=", "url(", "@import", "://", " on"} {
		if word == " on" {
			if m := regexp.MustCompile(`<[^>]* on[a-z]+=`).FindString(page); m != "" {
				t.Errorf("the page has %s", m)
			}
		} else if strings.Contains(page, word) {
			t.Errorf("the page has %s", word)
		}
	}
	if !strings.Contains(page, `content="default-src 'none'; style-src 'unsafe-inline'"`) {
		t.Error("no policy on the page")
	}
}

const largeCards = 30_000

// large is a job of some days with more readers, codes and failed cards than anyone looks at.
func large() *batchReport {
	tally := summary.New()
	r := &batchReport{head: schema("batch-report"), Cards: []batchCard{}}
	for i := range largeCards {
		record := ledger.Record{Kind: ledger.KindClaim, Card: fmt.Sprint(i), Station: "desk-1", Operator: "anna", Reader: fmt.Sprint("slot ", i%3000),
			Time: benchBegin.Add(time.Duration(i) * 10 * time.Second)}
		tally.Record(record)
		record.Kind, record.Outcome, record.Code, record.Micros = ledger.KindConclude, ledger.Rejected, fmt.Sprint("code_", i%3000), int64(i)*1000
		if i%3 == 0 {
			record.Outcome, record.Code = ledger.Good, ""
		}
		tally.Record(record)
		r.keep(reportRow{batchCard: batchCard{Number: i + 1, Reason: strings.Repeat("x", 200)}, card: tally.Ordered(record.Card)})
	}
	r.Summary = tally.Summary(0)
	return r
}

// TestTableIsBounded: the table for people ends where nobody reads on, and says how much is left.
func TestTableIsBounded(t *testing.T) {
	var b bytes.Buffer
	large().text(&b, printer{})
	if want := fmt.Sprintf("\n%d more cards that are not good: --csv FILE has them\n", largeCards*2/3-shownCards); !strings.HasSuffix(b.String(), want) {
		t.Errorf("the table ends %q", b.String()[b.Len()-200:])
	}
}

// TestPageIsBounded: a large job makes a page that a browser opens at once.
func TestPageIsBounded(t *testing.T) {
	r := large()
	page := paged(t, r)
	left := largeCards*2/3 - maxCards
	if len(page) > 1<<20 || len(r.Cards) != maxCards || r.LeftOut != left {
		t.Errorf("%d bytes, %d cards, %d left out", len(page), len(r.Cards), r.LeftOut)
	}
	for _, want := range []string{"Some tables have more rows in the JSON.", fmt.Sprintf(`<span data-of="cards_left_out">%d</span> more`, left), "The others are in the table."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}
