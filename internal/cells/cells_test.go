package cells

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func readAll(b []byte, comma byte) (rows [][]string, err error) {
	r := New(b, comma)
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		var row []string
		for _, c := range rec.Cells {
			row = append(row, string(c.Text))
		}
		rows = append(rows, row)
	}
}

func TestPlaces(t *testing.T) {
	text := []byte("\xEF\xBB\xBF# of the bench\r\niccid;imsi\r\n\r\n\"89\";é;\"a\nb\"\r\n;x\n")
	r := New(text, ';')
	type place struct {
		text         string
		line, column int
	}
	var got []place
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		again, err := From(text, ';', rec.Offset, rec.Line)
		if err != nil || len(again.Cells) != len(rec.Cells) {
			t.Errorf("read again: %v, %v", again, err)
		}
		for _, c := range rec.Cells {
			got = append(got, place{string(c.Text), c.Line, Column(text, c.Offset)})
		}
	}
	want := []place{{"iccid", 2, 1}, {"imsi", 2, 7}, {"89", 4, 2}, {"é", 4, 6}, {"a\nb", 4, 9}, {"", 6, 1}, {"x", 6, 2}}
	if !slices.Equal(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
}

func TestFaults(t *testing.T) {
	for _, row := range []struct {
		text string
		want error
		line int
		at   int
		left int // records behind it
	}{
		{"a,b\"c\nd,e\n", ErrBareQuote, 1, 3, 1},
		{"\"a\"b,c\nd\n", ErrAfter, 1, 3, 1},
		{"a\nb,\"c\nd\n", ErrUnclosed, 2, 4, 0},
		{"a" + strings.Repeat(",", 1000) + "\nb\n", ErrTooMany, 1, 1001, 1},
	} {
		r := New([]byte(row.text), ',')
		var e *Error
		for e == nil {
			if _, err := r.Next(); err != nil && !errors.As(err, &e) {
				t.Fatalf("%q: %v", row.text, err)
			}
		}
		if !errors.Is(e, row.want) || e.Line != row.line || e.Offset != row.at {
			t.Errorf("%q: %v in line %d at %d", row.text, e, e.Line, e.Offset)
		}
		left := 0
		for {
			if _, err := r.Next(); errors.Is(err, io.EOF) {
				break
			}
			left++
		}
		if left != row.left {
			t.Errorf("%q: %d records behind the fault, want %d", row.text, left, row.left)
		}
	}
}

func TestSeparator(t *testing.T) {
	for text, want := range map[string]byte{
		"": ',', "iccid\n": ',', "iccid;imsi\n": ';', "\xEF\xBB\xBF# a,b,c\n\niccid;imsi\n": ';', "iccid\timsi": '\t', "a,b;c,d": ',',
	} {
		if got := Separator([]byte(text)); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// FuzzAgainstCSV holds it against encoding/csv, which takes the same files and copies every cell.
func FuzzAgainstCSV(f *testing.F) {
	for _, s := range []string{"a,b\n", "\"a\"\"b\",c\r\n\r\n#x\n,\n", "a,\"b\nc\"\n", "a\"b\n", "\"a", "\"a\"b\n", "a\r", "\"a\"\r"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if bytes.HasPrefix(b, []byte("\xEF\xBB\xBF")) {
			return
		}
		got, err := readAll(b, ',')
		if errors.Is(err, ErrTooMany) {
			return
		}
		r := csv.NewReader(bytes.NewReader(b))
		r.Comment, r.FieldsPerRecord = '#', -1
		want, wantErr := r.ReadAll()
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v, encoding/csv: %v", b, err, wantErr)
		}
		if err != nil {
			return
		}
		// encoding/csv turns \r\n in a quoted cell into \n; here the cell stays as it is.
		same := slices.EqualFunc(got, want, func(x, y []string) bool {
			return slices.EqualFunc(x, y, func(p, q string) bool {
				return strings.ReplaceAll(p, "\r\n", "\n") == q
			})
		})
		if !same {
			t.Fatalf("%q: %q, encoding/csv: %q", b, got, want)
		}
	})
}
