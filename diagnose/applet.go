package diagnose

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc/usim"
)

// appletKinds are about the binding: whether there is one, and what it decided.
var appletKinds = []kind{
	{"denied_other", Error, "the last device was denied: it is none the card is bound to", "put the card into the bound device; or, when the change is meant, with the issuer's keys: first-insert by 'simbind rebind IMEI' or 'simbind unbind', a preset by 'simbind personalize' with --reconfigure", seeDeniedOther},
	{"denied_no_imei", Error, "the last device was denied: it gave no IMEI", "use a device that answers PROVIDE LOCAL INFORMATION; or have the issuer set --no-imei allow", seeDeniedNoIMEI},
	{"applet_unknown_version", Error, "the binding applet speaks a version this program does not know", "use a newer simbind; nothing else this card says of its binding was understood", seeVersion},
	{"applet_foreign", Error, "what answers under the applet's AID is no binding applet this program knows", "look whether --aid names another application; 'simbind gp list' shows what is installed", seeForeign},
	{"applet_missing", Warning, "the binding applet is not on the card, or locked: nothing binds it", "'simbind applet install' puts it there; if the card had it, ask the issuer", seeMissing},
	{"unconfigured", Warning, "the binding applet was never configured: nothing binds the card", "'simbind personalize' writes the wanted binding", seeUnconfigured},
	{"armed", Warning, "the card waits for its first device and will be bound to it", "insert it into the device it is meant for, and into no other before", seeArmed},
	{"switched_off", Note, "the binding is switched off: every device is allowed", "'simbind personalize' switches it on", seeOff},
	{"observe_only", Note, "the card only observes: it decides and counts, and denies nobody", "'simbind personalize' without --observe-only lets it enforce", seeObserve},
	{"backup_missing", Warning, "the applet holds no backup of EF_IMSI: it enforces nothing for that copy", "make EF_IMSI plausible, then start the card in its device once, or run 'simbind personalize' again", seeBackupMissing},
	{"usim_unmanaged", Warning, "the applet does not look after EF_IMSI of the USIM: it enforces nothing for devices that read it", "have the issuer install the applet again with the AID of ADF.USIM: 'simbind applet install' takes it from EF_DIR", seeUnmanaged},
	{"decision_pending", Warning, "the last start was not decided: the device never answered the card's question", "let the device start fully, for a minute or more; if it stays so, the device does not answer PROVIDE LOCAL INFORMATION", seePending},
	{"resets_without_decision", Warning, "the card was started again and again without a decision", "a device that never sends TERMINAL PROFILE does not ask the card: look for a toolkit setting of the modem; readings in a reader count, too", seeResets},
}

func seeDeniedOther(f *Facts, s Show) string {
	st := f.state()
	if st == nil || st.Decision != binding.DeniedOther || f.settled() {
		return ""
	}
	out := []string{fmt.Sprintf("denied %d of %d starts", st.Counters.Denied, st.Counters.Profiles)}
	if st.Status == binding.PresetActive {
		out = append(out, "preset: its entries are shown to keys alone")
	}
	for _, b := range st.Bound {
		out = append(out, "bound to "+s.IMEI(b))
	}
	if st.LastIMEI == nil {
		return strings.Join(out, "; ")
	}
	out = append(out, "seen "+s.IMEI(*st.LastIMEI))
	switch {
	case f.undone():
		out = append(out, givenBack)
	case len(st.Bound) == 1:
		out = append(out, difference(st.Bound[0], *st.LastIMEI))
	}
	return strings.Join(out, "; ")
}

// givenBack is what stands in place of a comparison when it may be outdated.
const givenBack = "EF_IMSI was given back since: it was restored, or the binding was changed, perhaps for this very device"

// undone tells whether something took back what the last denial did: EF_IMSI shows the subscriber, and nothing kept the applet from hiding it.
func (f *Facts) undone() bool {
	st := f.state()
	return st != nil && st.Decision.Denies() && st.Files == binding.FilesBackup &&
		st.Failure != binding.FailureNotWritable && st.Failure != binding.FailureMemory
}

// settled tells whether a denial says nothing of the next start: it was counted alone, or the card was switched off or armed anew since.
func (f *Facts) settled() bool {
	st := f.state()
	return st.Policy.Has(binding.ObserveOnly) || f.undone() && st.Status != binding.Bound && st.Status != binding.PresetActive
}

// difference says from which digit on two identities part; within the serial number without naming it.
func difference(a, b binding.IMEIView) string {
	x, y := a.String(), b.String()
	for n := range min(len(x), len(y)) {
		switch {
		case n < 8 && x[n] != y[n]:
			return fmt.Sprintf("another model: the TACs differ from digit %d on", n+1)
		case x[n] == '*' || y[n] == '*':
			return "the same model, another device: the serial numbers are not shown without keys"
		case x[n] != y[n]:
			return fmt.Sprintf("the same model, another device: the serial numbers differ from digit %d on", n+1)
		}
	}
	return "the same identity: it was bound after it was seen"
}

func seeDeniedNoIMEI(f *Facts, _ Show) string {
	st := f.state()
	switch {
	case st == nil || st.Decision != binding.DeniedNoIMEI || f.settled():
		return ""
	case f.undone():
		return answered(st) + "; " + givenBack
	}
	return answered(st)
}

// answered says what the device said to PROVIDE LOCAL INFORMATION (TS 102 223 clause 8.12).
func answered(st *binding.State) string {
	if st.LastAnswer == nil {
		return "the device gave no answer to PROVIDE LOCAL INFORMATION"
	}
	words := "performed, without a valid identity"
	switch r := st.LastAnswer[0]; {
	case r >= 0x30:
		words = "not possible for this device"
	case r >= 0x20:
		words = "busy"
	case r >= 0x10:
		words = "ended by the user"
	}
	return fmt.Sprintf("answer to PROVIDE LOCAL INFORMATION: %X, %s", st.LastAnswer[:], words)
}

func seeVersion(f *Facts, _ Show) string {
	var e *binding.VersionError
	if !errors.As(f.AppletFault, &e) {
		return ""
	}
	return e.Error()
}

func seeForeign(f *Facts, _ Show) string {
	if f.AppletFault == nil || errors.As(f.AppletFault, new(*binding.VersionError)) {
		return ""
	}
	return f.AppletFault.Error()
}

func seeMissing(f *Facts, _ Show) string {
	if f.Applet != nil || f.AppletFault != nil || f.Domain != nil && f.Domain.Locked || f.unread("binding applet") {
		return ""
	}
	return "SELECT of its AID: 6A82"
}

func (f *Facts) unread(what string) bool {
	for _, u := range f.Unread {
		if u.What == what {
			return true
		}
	}
	return false
}

// standing is for findings that follow from the status alone.
func (f *Facts) standing(want binding.Status) string {
	st := f.state()
	if st == nil || st.Status != want {
		return ""
	}
	return fmt.Sprintf("state %s, generation %d", st.Status, st.Generation)
}

func seeUnconfigured(f *Facts, _ Show) string { return f.standing(binding.Unconfigured) }
func seeArmed(f *Facts, _ Show) string        { return f.standing(binding.Armed) }
func seeOff(f *Facts, _ Show) string          { return f.standing(binding.SwitchedOff) }

func seeObserve(f *Facts, _ Show) string {
	st := f.state()
	if st == nil || !st.Policy.Has(binding.ObserveOnly) {
		return ""
	}
	return "policy observe only; last decision " + st.Decision.String()
}

// seeBackupMissing: a configured card keeps a backup of every copy it manages; the first start may still be to come.
func seeBackupMissing(f *Facts, _ Show) string {
	st := f.state()
	if st == nil || st.Status == binding.Unconfigured || st.Status == binding.SwitchedOff {
		return ""
	}
	missing := f.Applet.Info.Copies &^ st.Backups
	switch {
	case missing != 0:
		return "no backup of " + missing.String() + "; last decision " + st.Decision.String()
	case st.Decision == binding.NotEnforced:
		return "last decision " + st.Decision.String()
	}
	return ""
}

// seeUnmanaged: an applet that was installed without the AID of ADF.USIM knows the copy of DF_GSM alone (card interface §2), which may be
// the same file.
func seeUnmanaged(f *Facts, _ Show) string {
	st, own := f.state(), f.copyOf(personalize.PlaceUSIM)
	if st == nil || st.Status == binding.Unconfigured || st.Status == binding.SwitchedOff || f.Applet.Info.Copies.USIM() {
		return ""
	}
	if own.FCP == nil || own.FCP.Link.Equal(usim.GSMIMSI.Path) || f.denied() && bytes.Equal(own.Content, f.copyOf(personalize.PlaceGSM).Content) {
		return ""
	}
	return "copies managed: " + f.Applet.Info.Copies.String() + "; EF_IMSI of ADF.USIM is not told to be one of them"
}

// copyOf is a copy of EF_IMSI; empty when it was not looked at.
func (f *Facts) copyOf(place string) Copy {
	for _, c := range f.Copies {
		if c.Place == place {
			return c
		}
	}
	return Copy{}
}

func seePending(f *Facts, _ Show) string {
	st := f.state()
	if st == nil || st.Decision != binding.Pending {
		return ""
	}
	return fmt.Sprintf("last decision pending after %d starts", st.Counters.Profiles)
}

// manyResets is from how many resets without a decision on it is told. Each look with a reader is one.
const manyResets = 8

func seeResets(f *Facts, _ Show) string {
	st := f.state()
	if st == nil || st.Resets < manyResets || st.Status == binding.Unconfigured || st.Status == binding.SwitchedOff {
		return ""
	}
	return fmt.Sprintf("%d resets since the last decision, %d starts with TERMINAL PROFILE in all", st.Resets, st.Counters.Profiles)
}
