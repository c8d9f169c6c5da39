package bindapp

import (
	"bytes"
	"slices"

	"github.com/simbind/simbind/vuicc/internal/rules"
	"github.com/simbind/simbind/vuicc/plug"
)

// Cells of persistent memory.
const (
	cellADF           = "adf"           // AID of the ADF.USIM
	cellTimer         = "timer"         // timer identifier
	cellConfiguration = "configuration" // value of E0, canonical
	cellGeneration    = "generation"    // 2 bytes
	cellBound         = "bound"         // 7 bytes each
	cellDecision      = "decision"      // tag 82
	cellIMEI          = "imei"          // tag 84
	cellCounters      = "counters"      // tag 85
	cellReason        = "reason"        // tag 89
	cellAnswer        = "answer"        // tag 91
	cellRefresh       = "refresh"       // tag 92
	cellResets        = "resets"        // tag 93
	cellLog           = "log"           // 10 bytes each, newest first
	cellPending       = "pending"       // target of a pending write
	cellVerified      = "verified"      // present: the next start is not hidden
	cellLocation      = "location"      // present: the pending write covers location and keys
	cellAccess        = "access"        // 01: the last enforced verdict was a denial
	cellStrict        = "strict"        // IMEI ‖ strict restores in a row without a STATUS
	cellRetired       = "retired"       // former denial values that may still stand in a copy, newest first, 9 bytes each
)

// Decisions of tag 82 (§5).
const (
	decisionNone         = 0x00
	decisionBoundNow     = 0x01
	decisionAllowed      = 0x02
	decisionOther        = 0x03
	decisionNoIMEI       = 0x04
	decisionAllowedBlind = 0x05
	decisionOff          = 0x06
	decisionNotEnforced  = 0x07
	decisionPending      = 0x08
)

// Reasons of tag 89 (§5).
const (
	reasonNone        = 0x00
	reasonNotReadable = 0x01
	reasonNotWritable = 0x02
	reasonRefresh     = 0x03
	reasonMemory      = 0x04
	reasonContent     = 0x05
	reasonResting     = 0x06
	reasonService130  = 0x07
)

// strictRestores is how many strict restores in a row without a STATUS make strict start rest (§8.6, I4).
const strictRestores = 3

// put writes a cell when it differs; an empty value removes it. The first refusal is kept for stored.
func (a *applet) put(cell string, v []byte) {
	if a.broken != nil || bytes.Equal(a.env.Get(cell), v) {
		return
	}
	if len(v) == 0 {
		a.broken = a.env.Delete(cell)
		return
	}
	a.broken = a.env.Put(cell, v)
}

// stored ends a series of puts: nil when the memory took all of them.
func (a *applet) stored() error {
	err := a.broken
	a.broken = nil
	return err
}

// transaction makes the puts of do one persistent write.
func (a *applet) transaction(do func()) error {
	if err := a.env.Begin(); err != nil {
		return err
	}
	do()
	if err := a.stored(); err != nil {
		a.env.Abort()
		return err
	}
	return a.env.Commit()
}

func (a *applet) byteOf(cell string) byte {
	if v := a.env.Get(cell); len(v) == 1 {
		return v[0]
	}
	return 0
}

// configuration is the one in force. What stands in the cell was accepted once, so it reads back.
func (a *applet) configuration() configuration {
	v := a.env.Get(cellConfiguration)
	if v == nil {
		return unconfigured()
	}
	c, _, _ := parseConfiguration(v, 0xFF)
	return c
}

func (a *applet) generation() uint16 {
	v := a.env.Get(cellGeneration)
	if len(v) != 2 {
		return 0
	}
	return uint16(v[0])<<8 | uint16(v[1])
}

// nextGeneration raises the generation, FFFF to 0001 (§4), inside a transaction.
func (a *applet) nextGeneration() {
	g := a.generation() + 1
	if g == 0 {
		g = 1
	}
	a.put(cellGeneration, []byte{byte(g >> 8), byte(g)})
}

func (a *applet) bound() [][]byte {
	return slices.Collect(slices.Chunk(a.env.Get(cellBound), sizeIMEI))
}

func isBound(bound [][]byte, imei []byte) bool {
	return slices.ContainsFunc(bound, func(b []byte) bool { return bytes.Equal(b, imei) })
}

// Places in the counters of tag 85.
const (
	countProfiles = iota
	countAllowed
	countDenied
	countNoIMEI
)

func (a *applet) counters() []byte {
	if v := a.env.Get(cellCounters); len(v) == 8 {
		return v
	}
	return make([]byte, 8)
}

// count raises one counter, inside a transaction.
func (a *applet) count(which int) {
	c := a.counters()
	raise(c[2*which : 2*which+2])
	a.put(cellCounters, c)
}

// raise adds one to two bytes and stops at FFFF.
func raise(c []byte) {
	if c[1]++; c[1] == 0 {
		c[0]++
	}
	if c[0] == 0 && c[1] == 0 {
		c[0], c[1] = 0xFF, 0xFF
	}
}

// countDecision files a decision under its counter: 01, 02 and 06 allowed, 03 denied, 04 and 05 no IMEI. 07 is none of them.
func (a *applet) countDecision(decision byte) {
	switch decision {
	case decisionBoundNow, decisionAllowed, decisionOff:
		a.count(countAllowed)
	case decisionOther:
		a.count(countDenied)
	case decisionNoIMEI, decisionAllowedBlind:
		a.count(countNoIMEI)
	}
}

// Sizes of the log (§7).
const (
	logEntry   = 10
	logEntries = 8
)

// log writes an entry when decision or IMEI differs from the newest, inside a transaction.
func (a *applet) log(decision byte, imei []byte) {
	if imei == nil {
		imei = noIMEI
	}
	entry := append([]byte{decision}, imei...)
	old := a.env.Get(cellLog)
	if bytes.HasPrefix(old, entry) {
		return
	}
	entry = append(entry, a.counters()[:2]...)
	entry = append(entry, old...)
	a.put(cellLog, entry[:min(len(entry), logEntry*logEntries)])
}

// fail notes why the step under way fails; the first reason counts.
func (a *applet) fail(reason byte) {
	if a.failure == reasonNone {
		a.failure = reason
	}
}

// endStep stores the reason of a step that ended. A step that only looks (first command) leaves an older reason
// standing, so that it can still be read at a desk.
func (a *applet) endStep(clear bool) {
	if a.failure != reasonNone || clear {
		a.put(cellReason, optional(a.failure))
		a.broken = nil // a memory that refuses this too has nothing left to tell
	}
	a.failure = reasonNone
}

// optional is a byte as a cell: absent when 0.
func optional(b byte) []byte {
	if b == 0 {
		return nil
	}
	return []byte{b}
}

// strict gives the IMEI and the number of strict restores in a row.
func (a *applet) strict() (imei []byte, n int) {
	v := a.env.Get(cellStrict)
	if len(v) != sizeIMEI+1 {
		return nil, 0
	}
	return v[:sizeIMEI], int(v[sizeIMEI])
}

// resting tells whether strict start rests (§8.6).
func (a *applet) resting() bool {
	_, n := a.strict()
	return n >= strictRestores && a.holds(rules.StrictRests)
}

// fileReason turns a refused file write into a reason of tag 89.
func fileReason(err error) byte {
	if err == error(plug.MemoryProblem) {
		return reasonMemory
	}
	return reasonNotWritable
}
