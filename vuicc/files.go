package vuicc

import (
	"bytes"
	"io"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/fs"
	"github.com/simbind/simbind/vuicc/image"
)

func sw(s apdu.SW) apdu.Response { return apdu.Response{SW: s} }

// holder is a user at the contacts: the codes verified since the reset.
type holder struct{ c *Card }

func (h holder) Verified(ref byte) bool { return h.c.satisfied(ref) }
func (h holder) Always() bool           { return true }

// selectFile is SELECT by identifier, parent or path (TS 102 221 clause 11.1.1).
func (c *Card) selectFile(ch *channel, cmd apdu.Command) apdu.Response {
	switch cmd.P2 {
	case 0x04, 0x0C, 0x00:
	default:
		return sw(apdu.SWWrongP1P2)
	}
	fids, ok := fidsOf(cmd.Data)
	if !ok {
		return sw(apdu.SWWrongLength)
	}
	var node *fs.Node
	switch cmd.P1 {
	case 0x00:
		if len(fids) != 1 {
			return sw(apdu.SWWrongLength)
		}
		node = c.files.Reach(ch.dir, fids[0])
	case 0x03:
		node = ch.dir.Parent
	case 0x08:
		node = c.fromRoot(ch, fids)
	case 0x09:
		node = fs.Walk(ch.dir, fids)
	default:
		return sw(apdu.SWWrongP1P2)
	}
	if node == nil {
		return sw(apdu.SWFileNotFound)
	}
	return c.enter(ch, node, cmd)
}

func fidsOf(b []byte) ([]uint16, bool) {
	if len(b)%2 != 0 {
		return nil, false
	}
	var out []uint16
	for i := 0; i < len(b); i += 2 {
		out = append(out, uint16(b[i])<<8|uint16(b[i+1]))
	}
	return out, true
}

// fromRoot: a path from the MF does not name it; 7FFF at its head means the current ADF (clause 8.4.2).
func (c *Card) fromRoot(ch *channel, fids []uint16) *fs.Node {
	if len(fids) > 0 && fids[0] == 0x7FFF {
		return fs.Walk(ch.dir.ADF(), fids[1:])
	}
	return fs.Walk(c.files.MF, fids)
}

// enter makes a file current and answers its FCP; a deactivated EF is selected with a warning.
func (c *Card) enter(ch *channel, node *fs.Node, cmd apdu.Command) apdu.Response {
	ch.record = 0
	if node.IsDF() {
		ch.dir, ch.ef = node, nil
	} else {
		ch.dir, ch.ef = node.Parent, node
	}
	r := apdu.Response{Data: node.FCP(), SW: apdu.SWOK}
	if !node.Activated() {
		r.SW = apdu.SWFileDeactivated
	}
	return withoutFCI(cmd, r)
}

// status answers the current directory, and is the terminal's poll (clause 11.1.2).
func (c *Card) status(ch *channel, cmd apdu.Command) apdu.Response {
	if cmd.P1 > 0x02 || len(cmd.Data) > 0 {
		return sw(apdu.SWWrongP1P2)
	}
	var data []byte
	switch cmd.P2 {
	case 0x00:
		data = ch.dir.FCP()
	case 0x01:
		if adf := ch.dir.ADF(); adf != nil {
			data = append([]byte{0x84, byte(len(adf.AID))}, adf.AID...)
		}
	case 0x0C:
	default:
		return sw(apdu.SWWrongP1P2)
	}
	if c.t0 && len(data) > 0 && cmd.Le > len(data) {
		return sw(wrongLe(len(data)))
	}
	c.toolkit.Status()
	return apdu.Response{Data: data, SW: apdu.SWOK}
}

// target resolves the file of a command with SFI or without, and checks shape, state and right.
func (c *Card) target(ch *channel, sfi byte, mode fs.Mode, kinds ...string) (*fs.Node, apdu.SW) {
	node := ch.ef
	if sfi != 0 {
		if node = ch.dir.ChildSFI(sfi); node == nil {
			return nil, apdu.SWFileNotFound
		}
	}
	if node == nil {
		return nil, apdu.SWNoEF
	}
	fits := false
	for _, k := range kinds {
		fits = fits || node.Kind == k
	}
	switch {
	case !fits:
		return nil, apdu.SWIncompatibleFile
	case !node.Allows(mode, holder{c}):
		return nil, apdu.SWSecurityStatus
	case !node.Activated() && mode&(fs.Read|fs.Update) != 0:
		return nil, apdu.SWReferencedData
	}
	if sfi != 0 {
		ch.ef, ch.record = node, 0
	}
	return node, apdu.SWOK
}

// place takes SFI and offset out of P1 P2 (clauses 11.1.3, 11.1.4).
func place(cmd apdu.Command) (sfi byte, offset int, ok bool) {
	if cmd.P1&0x80 == 0 {
		return 0, int(cmd.P1)<<8 | int(cmd.P2), true
	}
	return cmd.P1 & 0x1F, int(cmd.P2), cmd.P1&0x60 == 0 && cmd.P1&0x1F != 0 && cmd.P1&0x1F != 0x1F
}

func (c *Card) readBinary(ch *channel, cmd apdu.Command) apdu.Response {
	sfi, offset, ok := place(cmd)
	if !ok {
		return sw(apdu.SWWrongP1P2)
	}
	if len(cmd.Data) > 0 || cmd.Le == 0 {
		return sw(apdu.SWWrongLength)
	}
	node, s := c.target(ch, sfi, fs.Read, image.Transparent)
	if s != apdu.SWOK {
		return sw(s)
	}
	content := node.Content()
	if offset >= len(content) {
		return sw(apdu.SWWrongParameters)
	}
	content = content[offset:]
	if cmd.Le < len(content) {
		content = content[:cmd.Le]
	}
	if cmd.Le > len(content) && cmd.Le != apdu.MaxShortLe && cmd.Le != apdu.MaxLe {
		return apdu.Response{Data: content, SW: 0x6282}
	}
	return apdu.Response{Data: content, SW: apdu.SWOK}
}

func (c *Card) updateBinary(ch *channel, cmd apdu.Command) apdu.Response {
	sfi, offset, ok := place(cmd)
	if !ok {
		return sw(apdu.SWWrongP1P2)
	}
	if len(cmd.Data) == 0 {
		return sw(apdu.SWWrongLength)
	}
	node, s := c.target(ch, sfi, fs.Update, image.Transparent)
	if s != apdu.SWOK {
		return sw(s)
	}
	content := node.Content()
	switch {
	case offset >= len(content):
		return sw(apdu.SWWrongParameters)
	case offset+len(cmd.Data) > len(content):
		return sw(apdu.SWWrongLength)
	}
	copy(content[offset:], cmd.Data)
	return sw(c.store(node, content))
}

// store writes content on behalf of a command, and tells the toolkit.
func (c *Card) store(node *fs.Node, content []byte) apdu.SW {
	if err := node.Store(content); err != nil {
		return apdu.SWMemory
	}
	c.count.Updates++
	for _, n := range node.Linked() {
		c.fileChanged(n)
	}
	return apdu.SWOK
}

func (c *Card) fileChanged(n *fs.Node) {
	var aid []byte
	if adf := n.ADF(); adf != nil {
		aid = adf.AID
	}
	c.toolkit.FileChanged(aid, n.FIDs())
}

// recordOf resolves P1 P2 of a record command to a record number (clause 11.1.5).
func (c *Card) recordOf(ch *channel, node *fs.Node, cmd apdu.Command) (int, apdu.SW) {
	count := node.Records()
	n := int(cmd.P1)
	switch cmd.P2 & 0x07 {
	case 0x04:
		if n == 0 {
			n = ch.record
		}
	case 0x02:
		n = ch.record + 1
		if node.Kind == image.Cyclic && n > count {
			n = 1
		}
	case 0x03:
		n = ch.record - 1
		if ch.record == 0 || node.Kind == image.Cyclic && n == 0 {
			n = count
		}
	default:
		return 0, apdu.SWWrongP1P2
	}
	if n < 1 || n > count {
		return 0, apdu.SWRecordNotFound
	}
	if cmd.P2&0x07 != 0x04 {
		ch.record = n
	}
	return n, apdu.SWOK
}

func (c *Card) readRecord(ch *channel, cmd apdu.Command) apdu.Response {
	if len(cmd.Data) > 0 || cmd.Le == 0 {
		return sw(apdu.SWWrongLength)
	}
	node, s := c.target(ch, cmd.P2>>3, fs.Read, image.LinearFixed, image.Cyclic)
	if s != apdu.SWOK {
		return sw(s)
	}
	n, s := c.recordOf(ch, node, cmd)
	if s != apdu.SWOK {
		return sw(s)
	}
	at := (n - 1) * node.RecordSize
	record := node.Content()[at : at+node.RecordSize]
	if cmd.Le != len(record) && cmd.Le != apdu.MaxShortLe && !c.t0 {
		return sw(apdu.SWWrongLength)
	}
	if c.t0 && cmd.Le != len(record) {
		return sw(wrongLe(len(record)))
	}
	return apdu.Response{Data: record, SW: apdu.SWOK}
}

func (c *Card) updateRecord(ch *channel, cmd apdu.Command) apdu.Response {
	node, s := c.target(ch, cmd.P2>>3, fs.Update, image.LinearFixed, image.Cyclic)
	if s != apdu.SWOK {
		return sw(s)
	}
	if len(cmd.Data) != node.RecordSize {
		return sw(apdu.SWWrongLength)
	}
	content := node.Content()
	if node.Kind == image.Cyclic {
		if cmd.P1 != 0 || cmd.P2&0x07 != 0x03 {
			return sw(apdu.SWWrongP1P2)
		}
		ch.record = 1
		return sw(c.store(node, rotate(content, cmd.Data)))
	}
	n, s := c.recordOf(ch, node, cmd)
	if s != apdu.SWOK {
		return sw(s)
	}
	copy(content[(n-1)*node.RecordSize:], cmd.Data)
	return sw(c.store(node, content))
}

// rotate puts a record in front of a cyclic file; the oldest falls out.
func rotate(content, record []byte) []byte {
	return append(bytes.Clone(record), content[:len(content)-len(record)]...)
}

// searchRecord is the simple forward search (clause 11.1.7).
func (c *Card) searchRecord(ch *channel, cmd apdu.Command) apdu.Response {
	if cmd.P2&0x07 != 0x04 || cmd.P1 == 0 {
		return sw(apdu.SWWrongP1P2)
	}
	node, s := c.target(ch, cmd.P2>>3, fs.Read, image.LinearFixed, image.Cyclic)
	if s != apdu.SWOK {
		return sw(s)
	}
	if len(cmd.Data) == 0 || len(cmd.Data) > node.RecordSize {
		return sw(apdu.SWWrongLength)
	}
	content := node.Content()
	var found []byte
	for n := int(cmd.P1); n <= node.Records(); n++ {
		at := (n - 1) * node.RecordSize
		if bytes.Contains(content[at:at+node.RecordSize], cmd.Data) {
			found = append(found, byte(n))
		}
	}
	if len(found) == 0 {
		return sw(0x6282)
	}
	ch.record = int(found[0])
	return apdu.Response{Data: found, SW: apdu.SWOK}
}

// increase adds to the newest record of a cyclic file (clause 11.1.8).
func (c *Card) increase(ch *channel, cmd apdu.Command) apdu.Response {
	node, s := c.target(ch, cmd.P1&0x1F, fs.Update, image.Cyclic)
	if s != apdu.SWOK {
		return sw(s)
	}
	if len(cmd.Data) == 0 || len(cmd.Data) > node.RecordSize {
		return sw(apdu.SWWrongLength)
	}
	content := node.Content()
	record, carry := bytes.Clone(content[:node.RecordSize]), 0
	for i := 0; i < len(record); i++ {
		at, v := len(record)-1-i, carry
		if i < len(cmd.Data) {
			v += int(cmd.Data[len(cmd.Data)-1-i])
		}
		v += int(record[at])
		record[at], carry = byte(v), v>>8
	}
	if carry != 0 {
		return sw(0x9850)
	}
	if s := c.store(node, rotate(content, record)); s != apdu.SWOK {
		return sw(s)
	}
	return apdu.Response{Data: append(record, cmd.Data...), SW: apdu.SWOK}
}

func (c *Card) deactivateFile(ch *channel, cmd apdu.Command) apdu.Response {
	return c.setState(ch, cmd, fs.Deactivate, false)
}

func (c *Card) activateFile(ch *channel, cmd apdu.Command) apdu.Response {
	return c.setState(ch, cmd, fs.Activate, true)
}

// setState works on the current EF, or on one named by identifier or path (clauses 11.1.14, 11.1.15).
func (c *Card) setState(ch *channel, cmd apdu.Command, mode fs.Mode, on bool) apdu.Response {
	if len(cmd.Data) > 0 {
		cmd.P2 = 0x0C
		if r := c.selectFile(ch, cmd); r.SW != apdu.SWOK && r.SW != apdu.SWFileDeactivated {
			return r
		}
	}
	node, s := c.target(ch, 0, mode, image.Transparent, image.LinearFixed, image.Cyclic)
	if s != apdu.SWOK {
		return sw(s)
	}
	if err := node.SetActivated(on); err != nil {
		return sw(apdu.SWMemory)
	}
	return sw(apdu.SWOK)
}

func (c *Card) getChallenge(_ *channel, cmd apdu.Command) apdu.Response {
	if cmd.Le == 0 {
		return sw(apdu.SWWrongLength)
	}
	b := make([]byte, min(cmd.Le, apdu.MaxShortLe))
	if _, err := io.ReadFull(c.rand, b); err != nil {
		return sw(apdu.SWNoDiagnosis)
	}
	return apdu.Response{Data: b, SW: apdu.SWOK}
}

// authenticate: this card holds no subscriber keys, so that nobody can attach with it.
func (c *Card) authenticate(*channel, apdu.Command) apdu.Response { return sw(apdu.SWConditions) }

// suspend is refused: nothing here can be suspended (clause 11.1.22).
func (c *Card) suspend(*channel, apdu.Command) apdu.Response { return sw(apdu.SWConditions) }
