package vuicc_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/vuicc"
)

// issue puts the applet on the card and configures it: what is there already is left out, as a host does that looks at the registry first.
func (r *remote) issue() error {
	there, err := r.send("80F22002", "4F08"+packageAID)
	if err == nil && there == "6A88" {
		err = r.answers("009000")(r.load(packageAID, bindingFile()))
	}
	if err != nil {
		return err
	}
	there, err = r.send("80F24002", "4F09"+moduleAID)
	if err == nil && there == "6A88" {
		err = r.answers("009000")(r.send("80E60C00", install(moduleAID, application+fullAccess)))
	}
	if err != nil {
		return err
	}
	if err := r.answers("009000")(r.send("80E62000", lv("", "", moduleAID, "", "", ""))); err != nil {
		return err
	}
	return r.answers("9000")(r.send("80E29000", "E0 0C 80 01 02 81 07 35209900176148"))
}

// withdraw takes everything away again.
func (r *remote) withdraw() error {
	return r.answers("009000", "6A88")(r.send("80E40080", "4F08"+packageAID))
}

var errAnswer = errors.New("answer")

// answers checks an answer; other words are errAnswer.
func (r *remote) answers(words ...string) func(string, error) error {
	return func(got string, err error) error {
		if err == nil && !among(got, words) {
			return fmt.Errorf("%w %s", errAnswer, got)
		}
		return err
	}
}

// issuedAndWithdrawn issues a card, lets a foreign terminal be refused, and withdraws the applet.
func issuedAndWithdrawn(t testing.TB, c *vuicc.Card) error {
	t.Helper()
	r, err := tryAdminister(t, c, gp.LevelCMAC)
	if err == nil {
		err = r.issue()
	}
	if err != nil {
		return err
	}
	if visit(t, c, imeiA) {
		return errCut
	}
	if r, err = tryAdminister(t, c, gp.LevelCMAC); err != nil {
		return err
	}
	return r.withdraw()
}

// cells is the memory but for what counts sessions.
func cells(c *vuicc.Card) map[string]string {
	out := map[string]string{}
	for k, v := range c.NVM().Snapshot() {
		out[k] = string(v)
	}
	maps.DeleteFunc(out, func(k, _ string) bool {
		return strings.HasSuffix(k, "/sequence") || strings.HasSuffix(k, "/failures")
	})
	return out
}

func noApplet(cells map[string]string) map[string]string {
	maps.DeleteFunc(cells, func(k, _ string) bool { return strings.HasPrefix(k, "applet/") })
	return cells
}

// whole runs the life without a fault: how many writes it takes, and the memory after it and after the card is issued once more.
func whole(t *testing.T, name string) (writes int, blank, issued map[string]string) {
	t.Helper()
	c := powered(t, name)
	before := c.NVM().Writes()
	if err := issuedAndWithdrawn(t, c); err != nil {
		t.Fatal(err)
	}
	writes, blank = c.NVM().Writes()-before, cells(c)
	if got := len(noApplet(cells(c))); got != len(blank) {
		t.Errorf("DELETE left cells: %d, %d without the applet's", len(blank), got)
	}
	if err := administer(t, c, gp.LevelCMAC).issue(); err != nil {
		t.Fatal(err)
	}
	return writes, blank, cells(c)
}

// TestEveryCutOfContent: the power goes at each write of the whole life, before it and after; who begins again reaches the same end. What a cut
// inside DELETE leaves of the applet is gone when it is installed again.
func TestEveryCutOfContent(t *testing.T) {
	for _, name := range []string{"no-applet", "no-applet-t1"} {
		writes, blank, issued := whole(t, name)
		if writes < 25 {
			t.Errorf("%s: %d writes", name, writes)
		}
		for n := 1; n <= writes; n++ {
			for _, after := range []bool{false, true} {
				when := fmt.Sprintf("%s, write %d, after %v", name, n, after)
				c := powered(t, name)
				c.NVM().CutAt(n, after)
				if err := issuedAndWithdrawn(t, c); !errors.Is(err, errCut) {
					t.Fatalf("%s: %v", when, err)
				}
				again(t, c, when, blank, issued)
			}
		}
	}
}

// again begins the life once more and compares both ends.
func again(t *testing.T, c *vuicc.Card, when string, blank, issued map[string]string) {
	t.Helper()
	if _, err := c.PowerOn(); err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	if err := issuedAndWithdrawn(t, c); err != nil {
		t.Fatalf("%s, again: %v", when, err)
	}
	if diff := cmp.Diff(noApplet(maps.Clone(blank)), noApplet(cells(c))); diff != "" {
		t.Errorf("%s:\n%s", when, diff)
	}
	if err := administer(t, c, gp.LevelCMAC).issue(); err != nil {
		t.Fatalf("%s, issued: %v", when, err)
	}
	if diff := cmp.Diff(issued, cells(c)); diff != "" {
		t.Errorf("%s, issued:\n%s", when, diff)
	}
}

// TestEveryRefusedWriteOfContent: the memory refuses each write in turn. The command says so or does without; what it refused is not there at
// all, and who begins again reaches the same end.
func TestEveryRefusedWriteOfContent(t *testing.T) {
	writes, blank, issued := whole(t, "no-applet")
	for n := 1; n <= writes; n++ {
		when := fmt.Sprintf("write %d refused", n)
		c := powered(t, "no-applet")
		c.NVM().FailAt(n)
		_ = issuedAndWithdrawn(t, c) // refused somewhere, or in a place nobody hears of
		c.NVM().FailAt(0)
		again(t, c, when, blank, issued)
	}
}

// TestRefusedInstallLeavesNothing: an INSTALL in which any write is refused is 6581, and no cell of the applet is there.
func TestRefusedInstallLeavesNothing(t *testing.T) {
	refused := 0
	for n := 1; ; n++ {
		c := powered(t, "no-applet")
		r := administer(t, c, gp.LevelCMAC)
		r.loaded(packageAID, bindingFile())
		before := cells(c)
		c.NVM().FailAt(n)
		answer, err := r.send("80E60C00", install(moduleAID, application+fullAccess))
		if err != nil {
			t.Fatal(err)
		}
		if answer == "009000" {
			break
		}
		refused++
		if diff := cmp.Diff(before, cells(c)); answer != "6581" || diff != "" {
			t.Errorf("write %d: %s\n%s", n, answer, diff)
		}
		r.want("009000", "80E60C00", install(moduleAID, application+fullAccess))
	}
	if refused < 5 {
		t.Errorf("%d writes in an INSTALL", refused)
	}
}

// TestNothingIsInherited: the power goes in DELETE when the registry is written and the cells are not yet deleted. The card then has neither
// instance nor anything it took, and an instance of the same AID begins with nothing of the old one.
func TestNothingIsInherited(t *testing.T) {
	const quotas = "EF 08 C7020100 C8021000"
	denied := func() *vuicc.Card {
		c := powered(t, "no-applet-t1")
		r := administer(t, c, gp.LevelCMAC)
		r.loaded(packageAID, bindingFile())
		r.want("009000", "80E60C00", install(moduleAID, application+quotas+fullAccess))
		visit(t, c, imeiB)
		return c
	}
	const free = "FF2110810200008204000100008304000008009000"
	c := denied()
	r := administer(t, c, gp.LevelCMAC)
	before := c.NVM().Writes()
	r.want("009000", "80E40080", "4F08"+packageAID)
	last := c.NVM().Writes() - before
	talk(t, c, "80CAFF2100", free)
	r.loaded(packageAID, bindingFile())
	r.want("009000", "80E60C00", install(moduleAID, "C900"+fullAccess))
	fresh := cells(c)

	for _, after := range []bool{false, true} {
		c := denied()
		r := administer(t, c, gp.LevelCMAC)
		n := last // before the cells are deleted
		if after {
			n-- // after the registry was written
		}
		c.NVM().CutAt(n, after)
		if answer, err := r.send("80E40080", "4F08"+packageAID); !errors.Is(err, errCut) {
			t.Fatalf("%s, %v", answer, err)
		}
		if left := cells(c); len(left) == len(noApplet(maps.Clone(left))) {
			t.Fatal("the cut left no cells")
		}
		if _, err := c.PowerOn(); err != nil {
			t.Fatal(err)
		}
		r = administer(t, c, gp.LevelCMAC)
		r.want("6A88", "80F24002", "4F00")
		talk(t, c, "80CAFF2100", free)
		r.loaded(packageAID, bindingFile())
		r.want("009000", "80E60C00", install(moduleAID, "C900"+fullAccess))
		if diff := cmp.Diff(fresh, cells(c)); diff != "" {
			t.Error(diff)
		}
	}
}
