package diagnose

// linkKinds are findings of the way to the card: who connects sees them, and no card was read. Their ids are the codes of
// the errors.
var linkKinds = []kind{
	{"no_service", Error, "no PC/SC service answers", "start the PC/SC daemon (systemctl start pcscd.socket; on macOS and Windows it runs by itself), then run this again", nil},
	{"no_pcsc_in_build", Error, "this program was built without PC/SC", "use a build with cgo and libpcsclite", nil},
	{"no_reader", Error, "no reader is connected", "plug the reader in; 'simbind readers' lists what is there", nil},
	{"no_card", Error, "no card is in the reader", "insert the card; --wait 30s waits for one", nil},
	{"reader_in_use", Error, "another program holds the reader or the card", "end the program named in the evidence, or wait for it", nil},
	{"card_mute", Error, "the card does not answer the reset", "take it out, look which way round it is, clean the contacts, and try another reader", nil},
	{"card_removed", Error, "the card was pulled out while it was read", "insert it firmly and run this again; a card that keeps vanishing has bad contacts", nil},
	{"card_reset", Error, "another program reset the card while it was read", "end the other program, then run this again", nil},
	{"link", Error, "the connection to the card broke off", "re-seat the card, try another reader or cable", nil},
}

// Link is the finding of an id of the way to the card; ok is false for any other id.
func Link(id, evidence string) (Finding, bool) {
	for _, k := range linkKinds {
		if k.id == id {
			return k.finding(evidence), true
		}
	}
	return Finding{}, false
}
