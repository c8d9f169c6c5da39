// Package explore searches the states of the binding applet's model exhaustively, over small worlds: every order of terminal starts,
// answers, issuer's writes, actions and configurations, a power cut after every persistent write and in the middle of every write
// of EF_IMSI, and every persistent write refused in turn. In each state the invariants of docs/card-interface.md §10 must hold;
// one that does not gives its shortest trace, in the language of the scenario files.
//
// A state is what outlives a cut, the little transient memory, and what the observer knows of the story (ghost). A coroutine
// cannot be copied, so a state in the middle of a card session is kept as the state at rest before it and the steps
// since; every further step is played again from there.
package explore

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/simbind/simbind/vuicc/bindapp"
	"github.com/simbind/simbind/vuicc/internal/rules"
	"github.com/simbind/simbind/vuicc/plug"
)

// World is one small world: a card and what may happen to it.
type World struct {
	Name      string
	Copies    int      // of EF_IMSI: 1 (ADF.USIM) or 2 (and DF_GSM)
	Blank     bool     // EF_IMSI is FF until the issuer writes it
	First     []byte   // template E0 of the installation, nil: none
	Templates [][]byte // E0 and E2 that may come at any step
	Issues    []Issue  // what the issuer may write
	Answers   []Answer // to PROVIDE LOCAL INFORMATION
	Refresh   []byte   // general results of REFRESH
	Events    int      // templates and issues in one card session, at most
	Torn      bool     // power cuts in the middle of a write of EF_IMSI
	Faults    bool     // every persistent write refused in turn, one a card session
	Twice     bool     // a second TERMINAL PROFILE without reset
	Remove    bool     // the applet may be deleted
	Uncut     bool     // power goes between steps alone
	Locked    bool     // the access domain does not let the applet write the ADF.USIM copy

	Without rules.Rule // the protective rule that is taken out
}

// Issue is one write of the issuer.
type Issue struct {
	Copies  string // usim, gsm or both
	Content string // 9 bytes
}

// Answer is what a terminal says to PROVIDE LOCAL INFORMATION.
type Answer struct {
	Text     string // in the language of the scenario files
	Terminal byte   // who says so: a terminal that resets the card comes back as itself
	Result   byte
	IMEI     []byte // 7 bytes, nil: none
	Busy     bool   // busy to the end: ten times, with STATUS between
}

// Contents of EF_IMSI.
const (
	imsiOld   = "080910000110325476" // 001001001234567
	imsiNew   = "082926101160845740" // 262011106485704, of another operator
	imsiNear  = "080910000110325477" // differs from the old one in one digit
	blank     = "FFFFFFFFFFFFFFFFFF"
	denialNo  = "00FFFFFFFFFFFFFFFF" // the default denial value
	denialYes = "080910100000000999" // plausible
	denialOdd = "002926101160845799" // not plausible as it stands, plausible when half-written
)

const (
	lociPristine = "FFFFFFFF0011000000FF01"
	lociSoiled   = "112233440011001234FF00"
)

func raw(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err) // the tables are constants
	}
	return string(b)
}

func text(s string) string { return fmt.Sprintf("%X", s) }

func (w *World) files() [maxFiles]string {
	imsi := imsiOld
	if w.Blank {
		imsi = blank
	}
	f := [maxFiles]string{fileUSIM: raw(imsi), fileLOCI: raw(lociPristine)}
	if w.Copies == 2 {
		f[fileGSM] = raw(imsi)
	}
	return f
}

func (w *World) module() plug.New {
	if w.Without != (rules.Rule{}) {
		return bindapp.Without(w.Without)
	}
	return bindapp.New
}

// subscribers are all contents that may ever become a backup.
func (w *World) subscribers() []string {
	out := []string{raw(imsiOld)}
	for _, i := range w.Issues {
		out = append(out, raw(i.Content))
	}
	return out
}
