package uicc

import (
	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/secret"
)

// pinCommand builds the PIN commands, which differ in INS and in what they carry (clauses 11.1.9 to 11.1.13).
// The data field is a fresh copy of the codes; whoever sends it clears it.
func pinCommand(ins byte, ref KeyRef, codes ...secret.Bytes) apdu.Command {
	var data []byte
	for _, c := range codes {
		data = append(data, c.Reveal()...)
	}
	return apdu.Command{INS: ins, P2: byte(ref), Data: data}
}

// VerifyEmpty builds VERIFY PIN without data: it asks for the counter and spends nothing (clause 11.1.9.1.2).
func VerifyEmpty(ref KeyRef) apdu.Command { return pinCommand(apdu.INSVerifyPIN, ref) }

// UnblockEmpty builds UNBLOCK PIN without data: it asks for the counter of the unblocking code (clause 11.1.13.1.2).
func UnblockEmpty(ref KeyRef) apdu.Command { return pinCommand(apdu.INSUnblockPIN, ref) }

// VerifyPIN builds VERIFY PIN with a code of 8 bytes (clause 11.1.9). A wrong one answers 63CX, X tries left.
func VerifyPIN(ref KeyRef, code secret.Bytes) apdu.Command {
	return pinCommand(apdu.INSVerifyPIN, ref, code)
}

// ChangePIN builds CHANGE PIN: old code, then new, 8 bytes each (clause 11.1.10).
func ChangePIN(ref KeyRef, old, fresh secret.Bytes) apdu.Command {
	return pinCommand(apdu.INSChangePIN, ref, old, fresh)
}

// DisablePIN builds DISABLE PIN with the code; P1 00: no other PIN takes its place (clause 11.1.11).
func DisablePIN(ref KeyRef, code secret.Bytes) apdu.Command {
	return pinCommand(apdu.INSDisablePIN, ref, code)
}

// EnablePIN builds ENABLE PIN with the code (clause 11.1.12).
func EnablePIN(ref KeyRef, code secret.Bytes) apdu.Command {
	return pinCommand(apdu.INSEnablePIN, ref, code)
}

// UnblockPIN builds UNBLOCK PIN: the unblocking code (PUK), then the new code, 8 bytes each (clause 11.1.13).
func UnblockPIN(ref KeyRef, puk, fresh secret.Bytes) apdu.Command {
	return pinCommand(apdu.INSUnblockPIN, ref, puk, fresh)
}
