package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/diagnose"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/trace"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
)

func reporter(t *testing.T, reveal bool) *app {
	t.Helper()
	a := &app{rand: strings.NewReader(strings.Repeat("salt and pepper ", 64)), now: func() time.Time { return time.Unix(0, 0) }, err: io.Discard}
	a.global.stateDir, a.global.reveal = filepath.Join(t.TempDir(), "state"), reveal
	return a
}

// hostile is what a card may say to get into a page.
const hostile = `</text><script>alert("1")</script>&bogus;'"`

var iccid = uicc.ICCID("8988211000000430010")

// reported is the report of a card in one state, with hostile texts wherever a card has the word.
func reported(t *testing.T, a *app, status binding.Status, decision binding.Decision) *cardFile {
	t.Helper()
	last := binding.IMEIView{0x35, 0x20, 0x99, 0x00, 0x17, 0x61, 0x48}
	facts := &diagnose.Facts{
		ICCID: iccid, AD: []byte{0, 0, 0, 2}, Applications: []uicc.Application{{AID: []byte{0xA0}, Label: hostile}},
		Copies: []diagnose.Copy{{Place: "ADF.USIM", FCP: &uicc.FCP{LifeCycle: 5}, Content: []byte{0x08, 0x09, 0x10, 0x10, 0x00, 0x00, 0x21, 0x43, 0x65}}},
		Applet: &personalize.Applet{State: binding.State{Status: status, Decision: decision, LastIMEI: &last, Bound: []binding.IMEIView{{0x49, 0x01, 0x54, 0x20, 0x32, 0x37, 0x51}}}},
		Unread: []diagnose.Unread{{What: "EF_UST", Why: hostile}},
	}
	salt, err := a.reportSalt(false)
	if err != nil {
		t.Fatal(err)
	}
	r := a.reportOf(facts, diagnose.Show{Reveal: a.global.reveal, Models: binding.Models{}}, salt)
	talk, err := trace.Read(strings.NewReader("# reset\n> 00B0870009\n< 0809101000002143659000\n"))
	if err != nil {
		t.Fatal(err)
	}
	r.Start = a.traceReport(talk).Exchanges
	return r
}

// elements are those a page has; those that never have an end tag are closed in it, so that it is XML too.
var elements = map[string]bool{
	"html": true, "head": true, "meta": true, "title": true, "style": true, "body": true, "h1": true, "h2": true, "h3": true, "div": true, "dl": true, "dt": true, "dd": true, "p": true, "svg": true, "desc": true, "rect": true,
	"text": true, "path": true, "table": true, "tbody": true, "tr": true, "th": true, "td": true, "br": true, "code": true, "ol": true, "li": true, "pre": true,
}

var fetched = regexp.MustCompile(`(?i)url\(|@import|https?:|javascript:|data:`)

// strict reads a page as XML: every element closed and known, every entity defined, nothing that is fetched or run.
func strict(page string) error {
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict = true
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !elements[start.Name.Local] {
			return fmt.Errorf("element %s", start.Name.Local)
		}
		for _, at := range start.Attr {
			name := at.Name.Local
			if name == "src" || name == "href" || strings.HasPrefix(name, "on") || fetched.MatchString(at.Value) {
				return fmt.Errorf("attribute %s=%q of %s", name, at.Value, start.Name.Local)
			}
		}
	}
}

func TestPage(t *testing.T) {
	for _, status := range []binding.Status{binding.Unconfigured, binding.SwitchedOff, binding.Armed, binding.Bound, binding.PresetActive, 9} {
		for _, decision := range []binding.Decision{0, 1, 2, 3, 4, 5, 6, 7, 8, 9} {
			for _, reveal := range []bool{false, true} {
				r := reported(t, reporter(t, reveal), status, decision)
				var b bytes.Buffer
				if err := page(&b, r); err != nil {
					t.Fatal(err)
				}
				if err := strict(b.String()); err != nil {
					t.Errorf("%s, %s: %v", status, decision, err)
				}
				if fetched.MatchString(b.String()) || strings.Contains(b.String(), "<script") {
					t.Errorf("%s, %s: something is fetched or run", status, decision)
				}
				checkDisclosed(t, b.String(), reveal)
				drawn(t, b.String(), decision)
			}
		}
	}
}

func checkDisclosed(t *testing.T, text string, reveal bool) {
	t.Helper()
	for _, whole := range []string{"8988211000000430010", "001010000123456", "35209900176148", "49015420323751"} {
		if strings.Contains(text, whole) != reveal {
			t.Errorf("%s shown, with reveal %v", whole, reveal)
		}
	}
	if strings.Contains(text, "identities revealed") != reveal {
		t.Errorf("the report does not say whether identities are revealed (%v)", reveal)
	}
}

// drawn: a verdict has its own line and sign, and stands in words.
func drawn(t *testing.T, text string, d binding.Decision) {
	t.Helper()
	if allowed := strings.Contains(text, `<path class="line allowed" d="M537`); allowed != d.Allows() {
		t.Errorf("%s: the sign for allowed: %v", d, allowed)
	}
	if denied := strings.Contains(text, `<path class="line denied"`); denied != d.Denies() {
		t.Errorf("%s: the line for denied: %v", d, denied)
	}
	if !strings.Contains(text, "Decision: "+d.String()) {
		t.Errorf("%s is not said", d)
	}
}

func TestStrictRefuses(t *testing.T) {
	for _, bad := range []string{"<p>", "<p></b>", "<script></script>", `<p onclick="x"></p>`, `<path href="x" />`, "<p>&bogus;</p>", `<p style="background: url(x)"></p>`, "<br>"} {
		if strict("<html>"+bad+"</html>") == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestWrap(t *testing.T) {
	for text, want := range map[string]string{"": "", "one": "one", "one two three": "one two|three", "abcdefghijkl": "abcdefgh|ijkl", "a abcdefghijkl b": "a|abcdefgh|ijkl b", "äöüäöüäöüä": "äöüäöüäö|üä"} {
		if got := strings.Join(wrap(text, 8), "|"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestSalt: kept, private, in no report; tokens are equal for equal identities of one salt alone.
func TestSalt(t *testing.T) {
	a := reporter(t, false)
	one, err := a.reportSalt(false)
	if err != nil {
		t.Fatal(err)
	}
	again, err := a.reportSalt(false)
	if err != nil || one.name() != again.name() || one.token("imsi", "1") != again.token("imsi", "1") {
		t.Error("the salt was not kept", err)
	}
	info, err := os.Stat(filepath.Join(a.global.stateDir, saltFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(a.global.stateDir, saltFile+".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	a.rand = strings.NewReader(strings.Repeat("x", saltSize))
	other, err := a.reportSalt(true)
	if err != nil || other.name() == one.name() || other.token("imsi", "1") == one.token("imsi", "1") || one.token("imsi", "1") == one.token("iccid", "1") {
		t.Error("tokens do not depend on salt and kind", err)
	}
	b, err := json.Marshal(reported(t, a, binding.Bound, binding.Allowed))
	if err != nil || bytes.Contains(b, []byte(fmt.Sprintf("%x", []byte(one)))) || !bytes.Contains(b, []byte(one.name())) {
		t.Error("the salt stands in the report, or its name does not", err)
	}
	if err := os.WriteFile(filepath.Join(a.global.stateDir, saltFile), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.reportSalt(false); err == nil {
		t.Error("a damaged salt was taken")
	}
}

func TestSameFact(t *testing.T) {
	for _, row := range []struct {
		a, b        fact
		one         bool
		same, known bool
	}{
		{fact{Value: "x"}, fact{Value: "x"}, false, true, true},
		{fact{Value: "x"}, fact{Value: "y"}, false, false, true},
		{fact{Value: "898821***0010", Token: "1"}, fact{Value: "898821***0010", Token: "1"}, true, true, true},
		{fact{Value: "898821***0010", Token: "1"}, fact{Value: "898821***0010", Token: "2"}, true, false, true},
		{fact{Value: "898821***0010", Token: "1"}, fact{Value: "898821***0010", Token: "1"}, false, false, false},
		{fact{Value: "898821***0010"}, fact{Value: "898821***0011"}, false, false, true},
		{fact{Value: "898821***0010"}, fact{Value: "8988211000000430010"}, false, false, false},
		{fact{Value: "898821***0010"}, fact{Value: "8988211000000430028"}, false, false, true},
		{fact{Value: "49015420******"}, fact{Value: "49015420******"}, true, true, true},
		{fact{Value: "49015420******"}, fact{Value: "35209900******"}, true, false, true},
		{fact{Value: "49015420323751", Token: "1"}, fact{Value: "49015420******"}, true, false, false},
	} {
		if same, known := sameFact(row.a, row.b, row.one); same != row.same || known != row.known {
			t.Errorf("%+v %+v: same %v, known %v", row.a, row.b, same, known)
		}
	}
}

func TestParseReportRefuses(t *testing.T) {
	for _, bad := range []string{"", "[]", "{}", `{"schema":"simbind/report","version":2,"card":{}}`, `{"schema":"simbind/status","version":1,"card":{}}`, `{"schema":"simbind/report","version":1}`,
		`{"schema":"simbind/report","version":1,"card":{},"facts":[{"section":"a","name":"b","value":"\u001b[31m"}]}`} {
		if _, err := parseReport([]byte(bad)); !errors.Is(err, errReport) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add([]byte(`{"schema":"simbind/report","version":1,"card":{"iccid":"898821***0010"},"facts":[{"section":"card","name":"PIN1","value":"on"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseReport(b)
		if err != nil {
			return
		}
		c := compareFiles(r, r)
		c.shorten()
		c.text(io.Discard, printer{})
		var page1 bytes.Buffer
		if err := page(&page1, r); err != nil {
			t.Fatal(err)
		}
	})
}

// TestReportOnlyReads: the card counts no UPDATE and no VERIFY with a code, whatever its image.
func TestReportOnlyReads(t *testing.T) {
	for _, name := range image.Names() {
		img, err := image.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		card, err := vuicc.New(img)
		if err != nil {
			t.Fatal(err)
		}
		service := mock.New()
		service.AddReader("Reader").Insert(card)
		a := reporter(t, false)
		a.in, a.out, a.readers = strings.NewReader(""), io.Discard, func() (pcsc.Service, error) { return service, nil }
		t.Setenv("SIMBIND_READER", "")
		if code := a.execute(t.Context(), []string{"report", "--json", "--state-dir", a.global.stateDir}); code != exitDone {
			t.Errorf("%s: exit %d", name, code)
		}
		if c := card.Counters(); c.Updates != 0 || c.Verify != 0 || c.Proactive != 0 || c.Commands == 0 || c.Commands > 60 {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestOnlyParts(t *testing.T) {
	for _, row := range [][4]string{
		{"a, b, c, d", "a, b, c, e", "besides: d", "besides: e"}, {"a, b, c, d", "a, b, c, d, e", "no other", "besides: e"},
		{"a, b", "a, c", "a, b", "a, c"}, {"", "a, b, c, d", "", "a, b, c, d"},
	} {
		if x, y := onlyParts(row[0], row[1]); x != row[2] || y != row[3] {
			t.Errorf("%q and %q: %q, %q", row[0], row[1], x, y)
		}
	}
}
