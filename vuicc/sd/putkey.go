package sd

import (
	"bytes"
	"crypto/subtle"
	"slices"

	"github.com/simbind/simbind/apdu"
)

// Status words of PUT KEY alone (GPCS table 11-72).
const (
	swAlgorithmUnknown apdu.SW = 0x9484
	swKeyCheckValue    apdu.SW = 0x9485
)

// maxKeys is how many keys the domain has room for.
const maxKeys = 96

// putKey is PUT KEY (GPCS clause 11.8, Amendment D clause 7.2): P1 the version to replace, 00 to add (b8, more commands follow, changes
// nothing); P2 the first key identifier, b8 for several keys. The data is the new version, then type, component, key check value for each
// key. All take effect in one write, or none. The answer is the new version and the key check values that came.
func (d *Domain) putKey(c apdu.Command) apdu.Response {
	s := d.sessions[apdu.Channel(c.CLA)]
	if s == nil || !s.authenticated {
		return refuse(apdu.SWSecurityStatus)
	}
	r := &reader{b: c.Data}
	kvn := r.byte()
	if r.bad || kvn == 0 || kvn > 0x7F || len(r.b) == 0 {
		return refuse(apdu.SWWrongData)
	}
	id, several := c.P2&0x7F, c.P2&0x80 != 0
	if id == 0 {
		return refuse(apdu.SWWrongP1P2)
	}
	answer := []byte{kvn}
	var keys []key
	for len(r.b) > 0 {
		k, kcv, sw := s.readKey(r, id)
		if sw != apdu.SWOK {
			return refuse(sw)
		}
		keys, answer, id = append(keys, k), append(answer, kcv...), id+1
	}
	if !several && len(keys) > 1 || id > 0x80 {
		return refuse(apdu.SWWrongData)
	}
	if sw := d.replaceKeys(c.P1&0x7F, kvn, keys); sw != apdu.SWOK {
		return refuse(sw)
	}
	return apdu.Response{Data: answer, SW: apdu.SWOK}
}

// readKey takes one key off the data: type; length, cipher (AES: length, length of the key, cipher); length, key check value. The check
// value may be left out, of length 00.
func (s *session) readKey(r *reader, id byte) (k key, kcv []byte, sw apdu.SW) {
	k = key{ID: id, Type: r.byte()}
	if k.Type != typeDES && k.Type != typeAES {
		return k, nil, swAlgorithmUnknown
	}
	component := &reader{b: r.lv()}
	size := len(component.b)
	if k.Type == typeAES {
		size = int(component.byte())
	}
	kcv = r.lv()
	if r.bad || component.bad || len(kcv) != 0 && len(kcv) != 3 {
		return k, nil, apdu.SWWrongData
	}
	plain, err := s.decryptKey(component.b)
	if err != nil || size > len(plain) || len(plain)-size >= 16 {
		return k, nil, apdu.SWWrongData
	}
	k.Value = bytes.Clone(plain[:size]) // behind an AES-192 key there is filler
	if !k.valid() {
		return k, nil, apdu.SWWrongData
	}
	if want, err := k.kcv(); err != nil || len(kcv) > 0 && subtle.ConstantTimeCompare(want, kcv) != 1 {
		return k, nil, swKeyCheckValue
	}
	return k, kcv, apdu.SWOK
}

// replaceKeys puts keys into version kvn: new ones (old 00) that must not be there, or in place of those of version old, which must.
func (d *Domain) replaceKeys(old, kvn byte, keys []key) apdu.SW {
	sets := slices.Clone(d.keys)
	at := d.setOf(old)
	if old != 0 && at < 0 {
		return apdu.SWReferenceNotFound
	}
	from := keySet{}
	if old != 0 {
		from = sets[at]
	}
	for _, k := range keys {
		if _, there := from.key(k.ID); old != 0 && !there {
			return apdu.SWReferenceNotFound
		}
	}
	to := d.setOf(kvn)
	if to < 0 && old != 0 { // the version changes: so do all its keys
		if len(keys) != len(from.Keys) {
			return apdu.SWWrongData
		}
		sets[at], to = keySet{KVN: kvn, Protocol: from.Protocol, I: from.I}, at
	} else if to < 0 {
		sets, to = append(sets, keySet{KVN: kvn}), len(sets)
	} else if old != 0 && old != kvn {
		return apdu.SWWrongData
	}
	for _, k := range keys {
		if _, there := sets[to].key(k.ID); there && old == 0 {
			return apdu.SWWrongData
		}
		sets[to] = sets[to].with(k)
	}
	return d.storeKeys(sets, to)
}

// storeKeys gives the changed set its protocol, looks at what would be left, and writes.
func (d *Domain) storeKeys(sets []keySet, changed int) apdu.SW {
	sets[changed] = d.speaking(sets[changed])
	count := 0
	for _, s := range sets {
		count += len(s.Keys)
	}
	switch {
	case count > maxKeys:
		return apdu.SWNoMemory
	case !slices.ContainsFunc(sets, keySet.opens):
		return apdu.SWConditions
	}
	if err := d.setKeys(sets); err != nil {
		return statusOr(err, apdu.SWMemory)
	}
	return apdu.SWOK
}

// speaking gives a set the protocol its keys are for, DES for SCP02 and AES for SCP03, with the parameter i that the card has for it.
func (d *Domain) speaking(s keySet) keySet {
	protocol, i := byte(0x02), usualSCP02
	if len(s.Keys) > 0 && s.Keys[0].Type == typeAES {
		protocol, i = 0x03, usualSCP03
	}
	if s.Protocol == protocol {
		return s
	}
	for _, o := range d.keys {
		if o.Protocol == protocol {
			i = o.I
			break
		}
	}
	s.Protocol, s.I = protocol, i
	return s
}

// setKeys makes new key sets the ones that count. Counters of a set that changed or went begin anew, in the same write (GPCS clause
// E.1.2, Amendment D clause 6.2.2.1).
func (d *Domain) setKeys(sets []keySet) error {
	cells := map[string]any{keysCell: sets}
	for _, kvn := range versions(d.keys, sets) {
		if !sameSet(d.keys, sets, kvn) {
			cells[counter(kvn, "failures")], cells[counter(kvn, "sequence")] = nil, nil
		}
	}
	if err := d.write(cells); err != nil {
		return err
	}
	d.keys = sets
	return nil
}

func versions(a, b []keySet) []byte {
	var out []byte
	for _, s := range slices.Concat(a, b) {
		out = append(out, s.KVN)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func sameSet(a, b []keySet, kvn byte) bool {
	of := func(sets []keySet) (keySet, bool) {
		n := slices.IndexFunc(sets, func(s keySet) bool { return s.KVN == kvn })
		if n < 0 {
			return keySet{}, false
		}
		return sets[n], true
	}
	x, inA := of(a)
	y, inB := of(b)
	return inA == inB && slices.EqualFunc(x.Keys, y.Keys, func(k, l key) bool {
		return k.ID == l.ID && k.Type == l.Type && bytes.Equal(k.Value, l.Value)
	})
}
