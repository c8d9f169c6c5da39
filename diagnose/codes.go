package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// codeKinds are about the card as such: its reset, its codes, its security domain.
var codeKinds = []kind{
	{"atr_malformed", Warning, "the answer to reset cannot be taken apart", "clean the contacts and try another reader; some devices refuse such a card", seeATR},
	{"voltage_class", Warning, "the card does not say that it works at 1.8 V", "use a device that supplies what the card names; a device with 1.8 V alone does not start it", seeVoltage},
	{"card_locked", Error, "the card is locked: its issuer's security domain alone can be selected", "only the issuer can unlock it: 'simbind gp card-state' with his keys", seeLocked},
	{"no_usim", Error, "the card has no USIM application", "look whether it is a (U)SIM at all; a classic SIM alone is not enough for a device without 2G", seeNoUSIM},
	{"usim_unlisted", Error, "the card has a USIM that EF_DIR does not name: a device does not find it", "have the issuer write EF_DIR", seeUnlisted},
	{"pin1_blocked", Error, "PIN1 is blocked: no device can read EF_IMSI", "unblock it with the PUK, in a phone; the issuer has it", seePIN1Blocked},
	{"pin1_low", Warning, "PIN1 has one try left or none to spare", "enter the right PIN once in a phone, which sets the counter back; try no guesses", seePIN1Low},
	{"pin1_enabled", Warning, "PIN1 is enabled: a device that does not know it cannot read EF_IMSI", "enter the PIN in the device's settings, or switch it off in a phone", seePIN1Enabled},
	{"adm1_blocked", Warning, "ADM1 is blocked: nobody can change the issuer's files with it", "the card works on, but cannot be restored with ADM1 any more; ask the issuer", seeADMBlocked},
	{"adm1_low", Warning, "ADM1 has one try left", "try no code that is not known to be right; --pin-floor guards the last try", seeADMLow},
	{"key_set_missing", Warning, "the security domain shows no key set to open a session with", "ask the issuer for the key version; without a session the binding cannot be changed", seeKeySet},
	{"sequence_counter_high", Warning, "the key set has opened nearly as many sessions as it can", "have the issuer put a new key set on the card while one can still be opened ('simbind gp keys put')", seeCounter},
	{"iccid_check_digit", Note, "the last digit of the ICCID is not its check digit", "nothing: many cards have it so", seeCheckDigit},
}

func seeATR(f *Facts, _ Show) string {
	if f.ATRFault == nil {
		return ""
	}
	return f.ATRFault.Error()
}

func seeVoltage(f *Facts, _ Show) string {
	classes, told := f.ATR.Classes()
	if !told || slices.Contains(classes, "C") {
		return ""
	}
	return "the ATR names the classes " + strings.Join(classes, ", ") + " (A 5 V, B 3 V)"
}

// fewSessions is how many are left when it is told.
const fewSessions = 1 << 12

func seeCounter(f *Facts, _ Show) string {
	if f.Domain == nil || f.Domain.CounterSize == 0 {
		return ""
	}
	left := 1<<(8*f.Domain.CounterSize) - 1 - int(f.Domain.Counter)
	if left > fewSessions {
		return ""
	}
	return fmt.Sprintf("sequence counter %d, %d sessions are left", f.Domain.Counter, left)
}

func seeLocked(f *Facts, _ Show) string {
	if f.Domain == nil || !f.Domain.Locked {
		return ""
	}
	if f.ADF != nil {
		return "SELECT of the security domain: 6283; the USIM can be selected all the same, its applets perhaps not"
	}
	return "SELECT of the security domain: 6283"
}

func seeNoUSIM(f *Facts, _ Show) string {
	if f.Absent && (f.Domain == nil || !f.Domain.Locked) {
		return fmt.Sprintf("EF_DIR names %X, and SELECT of it answers 6A82", f.USIM)
	}
	if f.USIM != nil || f.Domain != nil && f.Domain.Locked {
		return ""
	}
	var aids []string
	for _, a := range f.Applications {
		aids = append(aids, fmt.Sprintf("%X", a.AID))
	}
	switch {
	case f.Undisclosed:
		return fmt.Sprintf("EF_DIR could not be read, and SELECT %X finds none", usim.Prefix())
	case len(aids) == 0:
		return "EF_DIR names no application"
	}
	return "EF_DIR names " + strings.Join(aids, ", ")
}

func seeUnlisted(f *Facts, _ Show) string {
	if !f.Unlisted || f.Undisclosed {
		return ""
	}
	return fmt.Sprintf("EF_DIR names %d applications, none of them a USIM; SELECT %X finds one", len(f.Applications), usim.Prefix())
}

func seePIN1Blocked(f *Facts, _ Show) string {
	if !f.PIN1.Told || !f.PIN1.Blocked {
		return ""
	}
	return "empty VERIFY PIN1: " + f.PIN1.PINState.String()
}

func seePIN1Low(f *Facts, _ Show) string { return seeLow(f.PIN1) }
func seeADMLow(f *Facts, _ Show) string  { return seeLow(f.ADM1) }

func seeLow(c Code) string {
	if !c.Told || c.Blocked || c.TriesLeft < 0 || c.TriesLeft > uicc.DefaultFloor {
		return ""
	}
	return fmt.Sprintf("empty VERIFY %s: %s", c.Ref, c.PINState)
}

func seePIN1Enabled(f *Facts, _ Show) string {
	if !f.PIN1.Closed() || f.PIN1.Blocked {
		return ""
	}
	return "PIN status template: PIN1 enabled; " + f.PIN1.PINState.String()
}

func seeADMBlocked(f *Facts, _ Show) string {
	if !f.ADM1.Told || !f.ADM1.Blocked {
		return ""
	}
	return "empty VERIFY ADM1: " + f.ADM1.PINState.String()
}

// seeKeySet: a set that opens a session has three keys, 01 to 03, under one version (GPCS annexes D to F).
func seeKeySet(f *Facts, _ Show) string {
	if f.Domain == nil || !f.Domain.Told {
		return ""
	}
	sets := map[byte]map[byte]bool{}
	for _, k := range f.Domain.Keys {
		if sets[k.KVN] == nil {
			sets[k.KVN] = map[byte]bool{}
		}
		sets[k.KVN][k.ID] = true
	}
	for _, ids := range sets {
		if ids[1] && ids[2] {
			return ""
		}
	}
	return fmt.Sprintf("key information names %d keys, none of them a whole set", len(f.Domain.Keys))
}

func seeCheckDigit(f *Facts, _ Show) string {
	if f.ICCID == "" || f.ICCID.CheckDigitOK() {
		return ""
	}
	return "EF_ICCID holds " + f.ICCID.Short()
}
