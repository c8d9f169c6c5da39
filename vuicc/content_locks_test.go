package vuicc_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/plug"
)

// bound is a card in T=1 whose applet asks every terminal for its IMEI.
func bound(t testing.TB) (*vuicc.Card, *remote) {
	t.Helper()
	c := powered(t, "no-applet-t1")
	r := administer(t, c, gp.LevelCMAC)
	r.loaded(packageAID, bindingFile())
	r.want("009000", "80E60C00", install(moduleAID, application+fullAccess))
	return c, r
}

const (
	selApplet = "00A4040009" + moduleAID + "00"
	asks      = "910B" // PROVIDE LOCAL INFORMATION waits
)

func restart(t testing.TB, c *vuicc.Card) {
	t.Helper()
	if _, err := c.Reset(); err != nil {
		t.Fatal(err)
	}
}

// TestNotYetSelectable: an instance that was installed alone is neither selected nor triggered, and can be personalized.
func TestNotYetSelectable(t *testing.T) {
	c := powered(t, "no-applet-t1")
	r := administer(t, c, gp.LevelCMAC)
	r.loaded(packageAID, bindingFile())
	r.want("009000", "80E60400", install(moduleAID, application+fullAccess))
	talk(t, c, profile, "9000")
	restart(t, c)
	talk(t, c, profile, "9000", selApplet, "6A82")
	r = administer(t, c, gp.LevelCMAC)
	r.want("009000", "80E62000", lv("", "", moduleAID, "", "", ""))
	r.want("9000", "80E29000", "E0 03 80 01 01")
	r.want("009000", "80E60800", lv("", "", moduleAID, "00", "", ""))
	talk(t, c, selApplet, "6F…", profile, asks)
}

// TestLockedApplication: it is passed over by SELECT, in full and by the head of its AID, and by every event, across a reset too. A session that
// was open goes on.
func TestLockedApplication(t *testing.T) {
	c, _ := bound(t)
	talk(t, c, profile, asks)
	restart(t, c)
	talk(t, c, "0070000001", "019000", "01"+selApplet[2:], "6F…")
	r := administer(t, c, gp.LevelCMAC)
	r.want("9000", "80F04080", moduleAID)
	talk(t, c, "81CA00E300", "E3…", "01"+selApplet[2:], "6A82", selApplet, "6A82", "00A4040005F053494D4200", "6A82", profile, "9000")
	restart(t, c)
	talk(t, c, selApplet, "6A82", profile, "9000", "80F2000C", "9000")
	r = administer(t, c, gp.LevelCMAC)
	r.want("E31E4F09"+moduleAID+"9F700187C503000000CC08"+domainAID+"9000", "80F24002", "4F09"+moduleAID+"5C054F9F70C5CC")
	r.want("6985", "80E62000", lv("", "", moduleAID, "", "", ""))
	r.want("9000", "80F04007", moduleAID)
	talk(t, c, selApplet, "6F…", profile, asks)
}

// TestLockedCard: the domain alone can be selected and is after a reset; it still tells what it is and opens sessions. No applet sees an event.
func TestLockedCard(t *testing.T) {
	c, r := bound(t)
	r.want("9000", "80F0807F", domainAID)
	talk(t, c, selApplet, "6A81", selUSIM, "6A81", "00A4040005A00000009900", "6A81", "0070000001", "6A81", selDomain, "6F…", profile, "9000")
	restart(t, c)
	talk(t, c, "00B082000A", "6D00", "80CA006600", "66…", profile, "9000", "80F2000C", "6982")
	if got := say(t, c, selDomain); !strings.HasSuffix(got, "6283") || !strings.HasPrefix(got, "6F") {
		t.Errorf("SELECT %s", got)
	}
	r = administer(t, c, gp.LevelCMAC)
	r.want("6985", "80E40080", "4F08"+packageAID)
	r.want("6985", "80E60200", lv("F000000001", "", "", "", ""))
	r.want("9000", "80F0800F", domainAID)
	talk(t, c, selApplet, "6F…", selUSIM, "62…")
	restart(t, c)
	talk(t, c, "00B082000A", "98…", profile, asks)
}

// TestDeleteOfASelectedApplet is refused while a logical channel has it.
func TestDeleteOfASelectedApplet(t *testing.T) {
	c, _ := bound(t)
	talk(t, c, "0070000001", "019000", "01"+selApplet[2:], "6F…")
	r := administer(t, c, gp.LevelCMAC)
	r.want("6985", "80E40080", "4F08"+packageAID)
	talk(t, c, "81CA00E300", "E3…", "00708001", "9000")
	r.want("009000", "80E40080", "4F08"+packageAID)
}

// TestDeleteWhileATerminalIsAsked: the applet waits for an answer, before FETCH and after; DELETE ends its wait, restores EF_IMSI and takes it away.
func TestDeleteWhileATerminalIsAsked(t *testing.T) {
	for _, fetched := range []bool{false, true} {
		c, _ := bound(t)
		before := content(c, "ADF1/6F07")
		visit(t, c, imeiB)
		if got := content(c, "ADF1/6F07"); got != denialNone {
			t.Fatalf("EF_IMSI %s", got)
		}
		restart(t, c)
		talk(t, c, profile, asks)
		if fetched {
			talk(t, c, "801200000B", "D009810301260182028182"+"9000")
		}
		r, err := tryAdminister(t, c, gp.LevelCMAC)
		if err != nil {
			t.Fatal(err)
		}
		r.want("009000", "80E40080", "4F08"+packageAID)
		if got := content(c, "ADF1/6F07"); got != before {
			t.Errorf("EF_IMSI %s, was %s", got, before)
		}
		talk(t, c, "801200000B", "6F00", "8014000016 810301260182028281830100 94084A09512430325781", "6F00", "80F2000C", "6982", profile, "9000")
	}
}

// TestDeleteUnwinds: the applet that waits is unwound before its uninstall method runs, and never resumed; another one goes on with the handler.
func TestDeleteUnwinds(t *testing.T) {
	c, log := with(t, func(p *probe, e plug.Event) {
		switch e {
		case 0:
			p.env.Registry().SetEvent(plug.ProfileDownload)
		case plug.ProfileDownload:
			defer p.note("left")
			p.send("more time", moreTime)
		}
	}, "first", "second")
	talk(t, c, profile, "910B", "801200000B", "D0098103010200820281829000")
	r := administer(t, c, gp.LevelCMAC)
	*log = nil
	r.want("00910B", "80E40000", "4F06F00102030400") // the second applet's command waits now
	expect(t, log, "first left", "first uninstalled")
	talk(t, c, doneMore, "6F00", "801200000B", "D0098103010200820281829000", doneMore, "9000")
	expect(t, log, "second more time: 810301020082028281830100 <nil>", "second left")
}

// crowd has twelve instances, so that GET STATUS takes two answers.
func crowd(t testing.TB, name string, edit func(*image.Image)) *vuicc.Card {
	return edited(t, name, func(i *image.Image) {
		for n := range 12 {
			i.Applets = append(i.Applets, image.Applet{Package: unhex(t, packageAID), Module: unhex(t, moduleAID), Instance: unhex(t, fmt.Sprintf("F0000000010000%02X01", n))})
		}
		edit(i)
	})
}

// page is what GET STATUS of the crowd tells of the instances from one to before another.
func page(from, to int) string {
	var out string
	for n := from; n < to; n++ {
		out += fmt.Sprintf("E3284F09F0000000010000%02X019F700107C503000000C408%sCC08%s", n, packageAID, domainAID)
	}
	return out
}

// TestPagesOfGETSTATUS: T=1 answers data and 6310 in one piece; T=0 promises the data first and 6310 comes with it, or, on the card of
// testdata/vectors (t0_behaviour.json H1), 6310 comes first and the data after GET RESPONSE and 6CXX.
func TestPagesOfGETSTATUS(t *testing.T) {
	const first, next = "80F24002 02 4F00", "80F24003 02 4F00"
	c := crowd(t, "no-applet-t1", func(*image.Image) {})
	administer(t, c, 0)
	talk(t, c, first+"00", page(0, 6)+"6310", next+"00", page(6, 12)+"9000", next+"00", "6985", first+"00", page(0, 6)+"6310", "80CA006600", "66…", next+"00", page(6, 12)+"9000")

	c = crowd(t, "no-applet", func(*image.Image) {})
	administer(t, c, 0)
	talk(t, c, first, "61FC", "00C00000FC", page(0, 6)+"6310", next, "61FC", "00C0000080", page(6, 12)[:256]+"617C", "00C000007C", page(6, 12)[256:]+"9000")

	c = crowd(t, "no-applet", func(i *image.Image) { i.Domain.MoreDataFirst = true })
	administer(t, c, 0)
	talk(t, c, first, "6310", "00C0000000", "6CFC", "00C00000FC", page(0, 6)+"9000", next, "61FC", "00C00000FC", page(6, 12)+"9000")
}

// TestPagesUnderSecureMessaging: pages shrink to what fits beside R-MAC and encryption, and both manners are read the same.
func TestPagesUnderSecureMessaging(t *testing.T) {
	for _, first := range []bool{false, true} {
		c := crowd(t, "usim-only", func(i *image.Image) { i.Applets, i.Domain.MoreDataFirst = i.Applets[1:], first })
		r := administer(t, c, 0x33)
		r.want(page(0, 5)+"6310", "80F24002", "4F00")
		r.want(page(5, 10)+"6310", "80F24003", "4F00")
		r.want(page(10, 12)+"9000", "80F24003", "4F00")
	}
}

// TestContentMannerOfT0: one byte 00 waits behind 6101.
func TestContentMannerOfT0(t *testing.T) {
	c := powered(t, "no-applet")
	administer(t, c, 0)
	block := bindingFile()
	talk(t, c, "80E60200"+lv(lv(packageAID, domainAID, "", "", "")), "6101", "00C0000001", "009000",
		"80E88000"+lv("C481"+lv(block)), "6101", "00C0000001", "009000",
		"80E60C00"+lv(install(moduleAID, "C900")), "6101", "00C0000001", "009000",
		"80E40000"+lv("4F09"+moduleAID), "6101", "00C0000001", "009000")
}
