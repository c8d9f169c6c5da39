package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/simbind/simbind/uicc"
)

// counting counts what is read of a file.
type counting struct {
	io.ReaderAt
	bytes int
}

func (c *counting) ReadAt(b []byte, at int64) (int, error) {
	c.bytes += len(b)
	return c.ReaderAt.ReadAt(b, at)
}

// manyKeys is a key file of n cards.
func manyKeys(n int) []byte {
	var b bytes.Buffer
	b.WriteString("iccid,kvn,enc,mac,dek,pin1\n")
	for i := range n {
		body := fmt.Sprintf("898821%012d", i)
		check, _ := uicc.CheckDigit(body)
		fmt.Fprintf(&b, "%s%c,30,%032X,%032X,%032X,1234\n", body, check, 3*i+1, 3*i+2, 3*i+3)
	}
	return b.Bytes()
}

func iccidOf(i int) string {
	body := fmt.Sprintf("898821%012d", i)
	check, _ := uicc.CheckDigit(body)
	return body + string(check)
}

func encrypt(t testing.TB, b []byte) (file, identity string) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string][]byte{"k.csv.age": out.Bytes(), "me.txt": []byte(id.String())} {
		if err := os.WriteFile(dir+"/"+name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir + "/k.csv.age", dir + "/me.txt"
}

// TestOneRowAlone: of a file of many cards the card's row is read and no other, and what is kept holds no key.
func TestOneRowAlone(t *testing.T) {
	const n = 2000
	text := manyKeys(n)
	row := len(text) / n
	plain := write(t, "k.csv", string(text), 0o600)
	encrypted, identity := encrypt(t, text)
	for _, c := range []struct {
		name, path, identity string
		most                 int
	}{{"plain", plain, "", 2 * row}, {"age", encrypted, identity, 2 * row}} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Open(c.path, c.identity)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			at := f.opened.at
			count := &counting{}
			f.opened.at = func() (io.ReaderAt, int64, error) {
				r, size, err := at()
				count.ReaderAt = r
				return count, size, err
			}
			for _, i := range []int{0, 1, n / 2, n - 1} {
				count.bytes = 0
				card, err := f.Card(iccidOf(i), "")
				if err != nil || fmt.Sprintf("%X", card.Keys.MAC.Reveal()) != fmt.Sprintf("%032X", 3*i+2) {
					t.Fatalf("card %d: %+v, %v", i, card, err)
				}
				if count.bytes == 0 || count.bytes > c.most {
					t.Errorf("card %d: %d bytes were read for a row of %d", i, count.bytes, row)
				}
				card.Wipe()
				if !card.Keys.ENC.IsZero() || !card.PIN1.IsZero() {
					t.Error("secrets are left after Wipe")
				}
			}
			if shown := fmt.Sprintf("%+v", f); strings.Contains(shown, fmt.Sprintf("%032X", 4)) {
				t.Error("the file holds a key")
			}
		})
	}
}

// TestChangedMeanwhile: a file that is not the one that was looked through gives no keys of another card.
func TestChangedMeanwhile(t *testing.T) {
	path := write(t, "k.csv", string(manyKeys(10)), 0o600)
	f, err := Open(path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text := string(manyKeys(11))
	if err := os.WriteFile(path, []byte(text[:28]+text[28+len(text)/11:]), 0o600); err != nil { // the first row is gone
		t.Fatal(err)
	}
	_, err = f.Card(iccidOf(5), "")
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Reason, "changed") {
		t.Errorf("%v", err)
	}
}

func TestManyReaders(t *testing.T) {
	path, identity := encrypt(t, manyKeys(3000))
	f, err := Open(path, identity)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var wait sync.WaitGroup
	for reader := range 8 {
		wait.Go(func() {
			for i := reader; i < 3000; i += 97 {
				if c, err := f.Card(iccidOf(i), ""); err != nil || fmt.Sprintf("%X", c.Keys.ENC.Reveal()) != fmt.Sprintf("%032X", 3*i+1) {
					t.Errorf("card %d: %v", i, err)
				}
			}
		})
	}
	wait.Wait()
}

// TestAllFaults: every row is looked at before the first card, and no fault tells a key.
func TestAllFaults(t *testing.T) {
	text := "iccid,name,enc,mac,diversification\n" +
		iccid + ",," + enc + "," + mac + ",\n" +
		"8988211000000467343,," + enc + ",,\n" + // line 3
		"898821100000053x,," + enc + "," + mac + ",\n" +
		",march," + enc + "," + mac + ",\n" +
		",march," + enc + "," + mac + ",\n" + // line 6
		iccid + ",april," + enc + "," + mac + ",\n" +
		"*,," + enc + "," + mac + ",none\n" + // line 8
		iccid + "," + enc + "\n" +
		iccid + ",," + enc + "," + mac + ",\n" + // line 10
		",,,,\n"
	_, err := Open(write(t, "k.csv", text, 0o600), "")
	var all *Errors
	if !errors.As(err, &all) {
		t.Fatal(err)
	}
	var got []string
	for _, e := range all.List {
		got = append(got, fmt.Sprintf("%d %s: %s", e.Line, e.Column, e.Reason))
	}
	want := []string{
		"3 enc: enc and mac go together", "4 iccid: an ICCID is digits alone, 20 at most", "6 name: a second row of the same name",
		"7 name: a row is of an ICCID or has a name, not both", "8 diversification: the row of every card holds masters: say how the card's keys are derived",
		"9 : 2 cells, the header has 5", "10 iccid: a second row for the same card",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if strings.Contains(err.Error(), enc) {
		t.Error("a key is told")
	}
}

// BenchmarkOpen looks through a key file of a million cards.
func BenchmarkOpen(b *testing.B) {
	path := b.TempDir() + "/k.csv"
	if err := os.WriteFile(path, manyKeys(1_000_000), 0o600); err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	for b.Loop() {
		f, err := Open(path, "")
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
	b.ReportMetric(1_000_000/(b.Elapsed().Seconds()/float64(b.N)), "rows/s")
}

// BenchmarkCard opens the row of one card of a million, plain and encrypted.
func BenchmarkCard(b *testing.B) {
	text := manyKeys(1_000_000)
	plain := b.TempDir() + "/k.csv"
	if err := os.WriteFile(plain, text, 0o600); err != nil {
		b.Fatal(err)
	}
	encrypted, identity := encrypt(b, text)
	for name, at := range map[string][2]string{"plain": {plain, ""}, "age": {encrypted, identity}} {
		b.Run(name, func(b *testing.B) {
			f, err := Open(at[0], at[1])
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			for i := 0; b.Loop(); i++ {
				c, err := f.Card(iccidOf(i*7919%1_000_000), "")
				if err != nil {
					b.Fatal(err)
				}
				c.Wipe()
			}
		})
	}
}
