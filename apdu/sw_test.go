package apdu

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/simbind/simbind/internal/vectors"
)

func TestMain(m *testing.M) { vectors.Main(m, "apdu") }

// TestVectorsStatusWords: what is done is OK, what is not is not; every X is tried.
func TestVectorsStatusWords(t *testing.T) {
	var v struct {
		StatusWords []struct{ ID, SW, Meaning, Action string } `json:"status_words"`
	}
	vectors.Load(t, "t0_behaviour.json", &v)
	if len(v.StatusWords) == 0 {
		t.Fatal("no rows")
	}
	for _, row := range v.StatusWords {
		t.Run(row.ID, func(t *testing.T) {
			defer vectors.Use(t, row.ID)
			for _, sw := range expand(t, row.SW) {
				_, counter := sw.Counter()
				done := strings.HasPrefix(row.Action, "ok") && !counter // what a counter counts only the command knows
				if row.SW == "92XX" && sw == 0x9240 {
					done = false // "see 9240"
				}
				if sw.OK() != done || (Response{SW: sw}.Err() == nil) != done {
					t.Errorf("%s (%s): OK is %v", sw, row.Meaning, sw.OK())
				}
				if m := sw.Meaning(); m == "" || strings.Contains(m, "without a known meaning") {
					t.Errorf("%s: %q", sw, m)
				}
			}
		})
	}
}

// expand replaces each X by every hex digit.
func expand(t *testing.T, s string) []SW {
	t.Helper()
	if !strings.Contains(s, "X") {
		n, err := strconv.ParseUint(s, 16, 16)
		if err != nil {
			t.Fatal(err)
		}
		return []SW{SW(n)}
	}
	var out []SW
	for d := range 16 {
		out = append(out, expand(t, strings.Replace(s, "X", fmt.Sprintf("%X", d), 1))...)
	}
	return out
}

func TestStatusWordParts(t *testing.T) {
	for _, row := range []struct {
		sw        SW
		ok, warn  bool
		proactive int // 0: none
		counter   int // -1: none
		text      string
	}{
		{0x9000, true, false, 0, -1, "9000: done"},
		{0x910B, true, false, 11, -1, "910B: done, a proactive command waits"},
		{0x9100, true, false, 256, -1, "9100: done, a proactive command waits"},
		{0x9203, true, false, 0, -1, "9203: done, data transfer information"},
		{0x9240, false, false, 0, -1, "9240: memory problem"},
		{0x9300, false, false, 0, -1, "9300: toolkit busy"},
		{0x6300, false, true, 0, -1, "6300: authentication failed"},
		{0x63C0, false, true, 0, 0, "63C0: counter 0"},
		{0x63CF, false, true, 0, 15, "63CF: counter 15"},
		{0x6310, false, true, 0, -1, "6310: more data available"},
		{0x6283, false, true, 0, -1, "6283: selected file deactivated"},
		{0x62F1, false, true, 0, -1, "62F1: warning, nothing changed"},
		{0x6110, false, false, 0, -1, "6110: response bytes wait"},
		{0x6C10, false, false, 0, -1, "6C10: wrong Le"},
		{0x9F10, false, false, 0, -1, "9F10: response bytes wait"},
		{0x6A82, false, false, 0, -1, "6A82: file or application not found"},
		{0x6AFF, false, false, 0, -1, "6AFF: wrong parameters"},
		{0x1234, false, false, 0, -1, "1234: status word without a known meaning"},
		{0x0000, false, false, 0, -1, "0000: status word without a known meaning"},
	} {
		t.Run(row.sw.String(), func(t *testing.T) {
			n, waits := row.sw.Proactive()
			x, counts := row.sw.Counter()
			if !counts {
				x = -1
			}
			if row.sw.OK() != row.ok || row.sw.Warning() != row.warn || waits != (row.proactive > 0) || n != row.proactive || x != row.counter || row.sw.Error() != row.text {
				t.Errorf("OK %v, warning %v, proactive %d, counter %d, %q", row.sw.OK(), row.sw.Warning(), n, x, row.sw.Error())
			}
		})
	}
}

func TestErrorsAreStatusWords(t *testing.T) {
	err := fmt.Errorf("card: %w", &Error{Name: "SELECT EF_IMSI", SW: SWFileNotFound})
	var refused *Error
	var sw SW
	if !errors.Is(err, SWFileNotFound) || errors.Is(err, SWConditions) || !errors.As(err, &refused) || !errors.As(err, &sw) || sw != SWFileNotFound {
		t.Error(err)
	}
	if got := refused.Error(); got != "SELECT EF_IMSI: 6A82: file or application not found" {
		t.Error(got)
	}
}

func TestParseResponse(t *testing.T) {
	for _, b := range [][]byte{nil, {0x90}} {
		if r, err := ParseResponse(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%X: %v, %v", b, r, err)
		}
	}
	b := []byte{1, 2, 0x91, 0x0B}
	r, err := ParseResponse(b)
	if err != nil || r.SW != 0x910B || string(r.Data) != "\x01\x02" || string(r.Bytes()) != string(b) {
		t.Errorf("%v, %v", r, err)
	}
	b[0] = 9
	if r.Data[0] != 1 {
		t.Error("the response changed with the bytes it came from")
	}
}

func FuzzParseResponse(f *testing.F) {
	f.Add([]byte{0x90, 0x00})
	f.Add([]byte{0x6F, 0x00, 0x91, 0x10})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseResponse(b)
		if err == nil && string(r.Bytes()) != string(b) || err != nil && len(b) > 1 {
			t.Errorf("%X: %v, %v", b, r, err)
		}
		_ = r.SW.Error()
	})
}
