package bindapp

import (
	"bytes"
	"slices"

	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/internal/rules"
	"github.com/simbind/simbind/vuicc/plug"
)

// decide is §8.5: take first, so that what an issuer wrote while the terminal was thinking counts.
func (a *applet) decide(s *session, imei []byte) {
	if !a.configuration().enforcing() { // switched off while the terminal was thinking
		a.switchedOff()
		return
	}
	a.failure = reasonNone
	_ = a.takeAt(rules.TakeBeforeDecision) // its failure is noted
	if imei == nil && !a.holds(rules.InvalidNeverBound) {
		imei = noIMEI
	}
	if !anyBackup(a.copies()) && a.holds(rules.NothingWithoutBackup) {
		a.commit(decisionNotEnforced, imei, nil)
		return
	}
	decision, bind := a.verdict(a.configuration(), imei)
	var bound []byte
	if bind {
		bound = append(a.env.Get(cellBound), imei...)
	}
	s.denied = decision == decisionOther || decision == decisionNoIMEI
	a.commit(decision, imei, bound)
}

// verdict compares. Bound: only equality counts, also while fewer are bound than may be.
func (a *applet) verdict(c configuration, imei []byte) (decision byte, bind bool) {
	switch {
	case imei == nil && c.has(policyAllowNoIMEI):
		return decisionAllowedBlind, false
	case imei == nil:
		return decisionNoIMEI, false
	case c.scheme == schemePreset && c.admits(imei):
		return decisionAllowed, false
	case c.scheme == schemePreset:
		return decisionOther, false
	}
	bound := a.bound()
	room := len(bound) == 0 || len(bound) < c.most && !a.holds(rules.BoundOnlyEqual)
	switch {
	case room && !isBound(bound, imei) && (c.open() || c.admits(imei)):
		return decisionBoundNow, true
	case isBound(bound, imei):
		return decisionAllowed, false
	}
	return decisionOther, false
}

// commit stores a decision with everything that belongs to it in one transaction, then switches (§8.5, §8.6).
func (a *applet) commit(decision byte, imei, bound []byte) {
	c, left := a.configuration(), a.byteOf(cellPending)
	sw := a.plan(c, decision, imei)
	err := a.transaction(func() {
		a.put(cellDecision, []byte{decision})
		if imei != nil {
			a.put(cellIMEI, imei)
		}
		if bound != nil {
			a.put(cellBound, bound)
		}
		a.countDecision(decision)
		a.log(decision, imei)
		a.put(cellResets, nil)
		a.mark(sw, imei)
	})
	if err != nil {
		a.fail(reasonMemory)
		a.endStep(true)
		return
	}
	if a.session.refresh == nil {
		a.stopPolling()
	}
	a.carryOut(c, sw, left)
}

// switching is what a decision changes in the files.
type switching struct {
	enforce  bool
	target   byte
	copies   bool // some copy differs
	location bool // location and keys are due
	strict   bool // the restore under strict start
	ips      bool
}

func (a *applet) plan(c configuration, decision byte, imei []byte) switching {
	if decision == decisionNotEnforced || c.enforcing() && c.has(policyObserve) && a.holds(rules.ObserveOnly) || decision == decisionOff && !a.holds(rules.OffRestores) {
		return switching{}
	}
	s := switching{enforce: true, target: targetBackup, ips: c.enforcing() && c.has(policyEFIPS)}
	if decision == decisionOther || decision == decisionNoIMEI {
		s.target = targetDenial
	}
	s.copies = differs(a.copies(), s.target, c)
	denied := a.byteOf(cellAccess) == 0x01
	s.location = !c.has(policyKeepLocation) &&
		(s.target == targetDenial && a.holds(rules.LocationAtDenial) || s.target == targetBackup && denied && a.holds(rules.LocationAtReturn))
	s.strict = c.hides() && s.target == targetBackup && s.copies
	return s
}

// mark notes what will be written, inside the transaction of the decision.
func (a *applet) mark(s switching, imei []byte) {
	if !s.enforce {
		return
	}
	if s.target == targetDenial {
		a.put(cellAccess, []byte{0x01})
	} else {
		a.put(cellAccess, nil)
	}
	if s.copies || s.location {
		a.pend(s.target)
	}
	if s.location && a.holds(rules.PendingLocation) {
		a.put(cellLocation, []byte{0x01})
	}
	a.markStrict(s, imei)
}

// markStrict counts strict restores in a row for one IMEI (§8.6). A start that finds nothing to restore, such as the one
// after a reset, ends the row; strict start that rests goes on resting until the IMEI changes.
func (a *applet) markStrict(s switching, imei []byte) {
	if imei == nil {
		imei = noIMEI
	}
	last, n := a.strict()
	if !bytes.Equal(last, imei) && a.holds(rules.StrictRestEnds) {
		a.put(cellStrict, nil)
		n = 0
	}
	switch {
	case s.strict:
		if a.holds(rules.VerifiedBeforeRestore) {
			a.put(cellVerified, []byte{0x01})
		}
		a.put(cellStrict, append(bytes.Clone(imei), byte(min(n+1, strictRestores))))
	case n < strictRestores && a.holds(rules.StrictRowEnds):
		a.put(cellStrict, nil)
	}
}

// carryOut writes location and keys, then the copies, then refreshes when a copy did change.
func (a *applet) carryOut(c configuration, s switching, left byte) {
	if !s.enforce {
		a.endStep(true)
		return
	}
	var changed, located []file
	reset := true
	if s.location {
		located, reset = a.resetLocation()
	}
	if s.copies || s.location {
		changed, _ = a.writeAll(s.target, left, c, reset)
	}
	if s.ips {
		a.writeEFIPS(s.target == targetBackup)
	}
	a.endStep(true)
	if len(changed) > 0 || !a.holds(rules.RefreshOnlyOnChange) {
		a.owe(append(changed, located...), c, s.strict)
	}
	a.proceed(a.session)
}

// owe notes a REFRESH for what changed, and for what an earlier one, not yet carried out, was to tell.
func (a *applet) owe(files []file, c configuration, strict bool) {
	s := a.session
	if !s.running {
		return
	}
	r := &refresh{qualifier: c.refresh, strict: strict}
	r.add(files)
	if s.refresh != nil {
		r.add(s.refresh.files)
	}
	s.refresh = r
}

// add takes files that are not listed yet; EF_IMSI comes first.
func (r *refresh) add(files []file) {
	for _, f := range files {
		if !slices.ContainsFunc(r.files, f.same) {
			r.files = append(r.files, f)
		}
	}
	slices.SortStableFunc(r.files, func(x, y file) int { return x.rank() - y.rank() })
}

// refreshDue lets the terminal that is running know that EF_IMSI changed (§6).
func (a *applet) refreshDue(changed []file) {
	if len(changed) == 0 {
		return
	}
	a.owe(changed, a.configuration(), false)
	if r := a.env.Registry(); r != nil && a.session.owes() {
		r.SetEvent(plug.ProactiveHandlerAvailable)
	}
}

// Qualifiers of REFRESH.
const (
	refreshFiles    = 0x02
	refreshReset    = 0x04
	refreshAppReset = 0x05
)

// command builds REFRESH (TS 102 223 clause 6.6.13): 02 lists every changed file, 05 and 06 carry the AID.
func (a *applet) command(r *refresh) []byte {
	b := []byte{0x81, 0x03, 0x01, 0x01, r.qualifier, 0x82, 0x02, 0x81, 0x82}
	switch {
	case r.qualifier == refreshFiles:
		list := []byte{byte(len(r.files))}
		for _, f := range r.files {
			list = append(list, f.full()...)
		}
		b = tlv.Append(b, 0x92, list)
	case r.qualifier >= refreshAppReset:
		b = tlv.Append(b, 0xAF, a.env.Get(cellADF))
	}
	return tlv.Encode(0xD0, b)
}

// sendRefresh is the REFRESH of §8.6. All state is committed before: a reset ends the applet's frame in send.
func (a *applet) sendRefresh(s *session, h plug.ProactiveHandler) {
	r := s.refresh
	s.refresh = nil // a change while the terminal refreshes owes another one
	answered, ok := a.send(h, a.command(r))
	if s != a.session {
		return
	}
	if !ok {
		answered.result = 0xFF
	}
	a.noteRefresh(r, answered.result)
	switch {
	case answered.result < 0x10:
		a.refreshed(s, r)
	case r.qualifier == refreshReset && a.holds(rules.ResetOnce): // 04 is tried once
		a.fail(reasonRefresh)
		a.endStep(true)
		a.stopPolling()
	case s.refresh != nil: // the newer one has its own tries
		s.refresh.add(r.files)
	default:
		s.refresh = r
		a.refreshAgain(r, answered.result)
	}
}

// refreshAgain: to a busy terminal at the next STATUS, three times in all; else by a reset.
func (a *applet) refreshAgain(r *refresh, result byte) {
	if r.busy++; result>>4 == 2 && (r.busy < refreshRetries || !a.holds(rules.BusyBounded)) {
		r.later = true
		a.poll()
		return
	}
	r.qualifier = refreshReset
}

// noteRefresh keeps the answer. 0X to a qualifier other than 04: the verified mark is for a reset that did not come.
func (a *applet) noteRefresh(r *refresh, result byte) {
	err := a.transaction(func() {
		a.put(cellRefresh, []byte{r.qualifier, result})
		if result < 0x10 && r.qualifier != refreshReset && a.holds(rules.VerifiedClearedByAnswer) {
			a.put(cellVerified, nil)
		}
	})
	if err != nil {
		a.fail(reasonMemory)
	}
}

// refreshed: the terminal read the files again.
func (a *applet) refreshed(s *session, r *refresh) {
	if r.strict {
		s.watching = true
		a.poll() // a STATUS tells that the terminal came to rest
		return
	}
	a.stopPolling()
}
