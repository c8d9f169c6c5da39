package main

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/scenario"
)

// What a scenario says, said of this card.

// content is what a line says of a copy; of a file that is none it is what it is.
func (b *baseline) content(name, want string) string {
	if own, ok := b.imsi[name]; ok && want == own.scenario && own.card != "" {
		return own.card
	}
	return want
}

// copyOf is the copy that an object of the state is about.
var copyOf = map[string]string{"88": "usim", "96": "usim", "95": "gsm", "97": "gsm"}

// value is what an object of the state must be on this card: counters and generation went on from where they were. Resets are counted from
// the last decision; before the first of this run they go on, too. What a fresh card has not, or not yet, this one has from before.
func (b *baseline) value(tag, want string, decided bool) string {
	if want == "-" {
		return b.unset(tag)
	}
	if name := copyOf[tag]; name != "" {
		return b.content(name, want)
	}
	raw := unhexWord(want)
	switch {
	case tag == "82" && want == "00" && !decided:
		return valuesOf(b.first, tag)
	case tag == "85" && len(raw) == 8:
		for i, base := range b.counters {
			binary.BigEndian.PutUint16(raw[2*i:], saturated(int(binary.BigEndian.Uint16(raw[2*i:]))+int(base)))
		}
	case tag == "86" && len(raw) == 2:
		binary.BigEndian.PutUint16(raw, b.shifted(binary.BigEndian.Uint16(raw)))
	case tag == "93" && len(raw) == 2 && !decided:
		binary.BigEndian.PutUint16(raw, saturated(int(binary.BigEndian.Uint16(raw))+int(b.resets)))
	default:
		return want
	}
	return hexOf(raw)
}

// unset is an object that the scenario's card does not show: the last IMEI, the last answers and the replaced backups stay from before.
func (b *baseline) unset(tag string) string {
	switch tag {
	case "84", "91", "92", "96", "97":
		return valuesOf(b.first, tag)
	}
	return "-"
}

// decided tells whether the card decided since the run began.
func (b *baseline) decided(c binding.Counters) bool {
	return [3]uint16{c.Allowed, c.Denied, c.NoIMEI} != [3]uint16(b.counters[1:])
}

// saturated: counters stop at FFFF.
func saturated(n int) uint16 { return uint16(max(0, min(n, 0xFFFF))) }

// generations are 0001 to FFFF, round and round; 0000 is a card that was never configured.
const generations = 0xFFFF

// shifted is a generation of the scenario's card on this one.
func (b *baseline) shifted(g uint16) uint16 {
	n := int(g) + b.generation
	if n <= 0 || b.generation == 0 {
		return saturated(n)
	}
	return uint16((n-1)%generations + 1)
}

// clear is action 05: counters, log and the last answers begin anew.
func (b *baseline) clear() {
	b.counters, b.resets, b.entries = [4]uint16{}, 0, nil
	var kept tlv.Objects
	for _, o := range b.first {
		if o.Tag != 0x91 && o.Tag != 0x92 {
			kept = append(kept, o)
		}
	}
	b.first = kept
}

// template is a configuration or an action for this card: the generation it expects, and the subscriber's IMSI where a denial value is
// the scenario's. One that is malformed on purpose is sent as it is.
func (b *baseline) template(text string) []byte {
	tag, objects := objectsOf(text)
	if objects == nil {
		return unhexWord(text)
	}
	var value []byte
	for _, o := range objects {
		v := o.Value
		switch {
		case o.Tag == 0x8A && len(v) == 2:
			v = binary.BigEndian.AppendUint16(nil, b.shifted(binary.BigEndian.Uint16(v)))
		case o.Tag == 0x84 && len(v) == 9:
			v = unhexWord(b.content("usim", hexOf(v)))
		}
		value = tlv.Append(value, o.Tag, v)
	}
	return tlv.Encode(tag, value)
}

// Entries of the log (card interface §7).
const (
	logEntries = 8
	entryStart = 16 // where the number of the start stands, in hex digits: behind decision and IMEI
	entrySize  = 20 // hex digits
)

// entriesOf are the entries of E4, in hex.
func entriesOf(text string) []string {
	var out []string
	_, objects := objectsOf(text)
	for _, o := range objects {
		out = append(out, hexOf(o.Value))
	}
	return out
}

// log is E4 of this card: the scenario's entries, their starts counted on, before those that were there. The first of the scenario is none when
// it equals the newest that was there. What has entries of another size is taken as it is.
func (b *baseline) log(text string) string {
	entries := entriesOf(text)
	if slices.ContainsFunc(slices.Concat(entries, b.entries), func(e string) bool { return len(e) != entrySize }) {
		return text
	}
	if n := len(entries); n > 0 && len(b.entries) > 0 && entries[n-1][:entryStart] == b.entries[0][:entryStart] {
		entries = entries[:n-1]
	}
	for i, e := range entries {
		start := unhexWord(e[entryStart:])
		entries[i] = fmt.Sprintf("%s%04X", e[:entryStart], saturated(int(binary.BigEndian.Uint16(start))+int(b.counters[0])))
	}
	entries = append(entries, b.entries...)
	var value []byte
	for _, e := range entries[:min(len(entries), logEntries)] {
		value = tlv.Append(value, 0x80, unhexWord(e))
	}
	return hexOf(tlv.Encode(0xE4, value))
}

// history is a cyclic file of this card: what the scenario's would hold, and behind it what this one held before. A record that equals the newest
// that was there was not written (card interface §8.8).
func (b *baseline) history(path, want string) string {
	records := b.histories[path]
	if len(records) == 0 {
		return want
	}
	size := 2 * len(records[0])
	var out []string
	for rest := want; len(rest) >= size; rest = rest[size:] {
		if strings.Trim(rest[:size], "F") != "" {
			out = append(out, rest[:size])
		}
	}
	if n := len(out); n > 0 && out[n-1] == hexOf(records[0]) {
		out = out[:n-1]
	}
	for _, r := range records {
		out = append(out, hexOf(r))
	}
	return strings.Join(out[:len(records)], "")
}

// foreign refuses a card whose own IMSI is one that the scenario gives to nobody but its inventions: nothing could be told apart.
func (b *baseline) foreign(s scenario.Scenario) error {
	for _, l := range s.Steps {
		for name, own := range b.imsi {
			if own.card != "" && own.card != own.scenario && strings.Contains(strings.Join(l.Words, " "), own.card) {
				return &personalize.UnfitError{Reason: fmt.Sprintf("%s:%d: the IMSI that the scenario invents is that of this card (%s)", s.Name, l.Number, name)}
			}
		}
	}
	return nil
}
