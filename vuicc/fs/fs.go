// Package fs is the file system of the virtual UICC (ETSI TS 102 221 clauses 8, 9.2, 11.1.1): the tree, the FCP, the
// access rules, and file content in non-volatile memory. It knows no channels and no commands.
package fs

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/image"
)

// Memory holds what can change: content, life cycle states. Writes are atomic a cell and never part of a
// transaction.
type Memory interface {
	Get(key string) []byte
	PutNow(key string, v []byte) error
}

// Node is one file.
type Node struct {
	image.File
	Parent   *Node
	Children []*Node
	fs       *FS
	target   *Node // whose content a linked file shows; nil: its own
}

// FS is the tree.
type FS struct {
	mem   Memory
	MF    *Node
	ADFs  []*Node
	paths map[string]*Node
	// PINEnabled tells the PIN status template whether a key reference is enabled.
	PINEnabled func(ref byte) bool
}

// New builds the tree of an image over its memory. Content that the memory holds wins over the image's.
func New(files []image.File, mem Memory) (*FS, error) {
	f := &FS{mem: mem, paths: map[string]*Node{}, PINEnabled: func(byte) bool { return false }}
	for _, row := range files {
		if err := f.add(row); err != nil {
			return nil, err
		}
	}
	for _, n := range f.paths {
		if n.Link == "" {
			continue
		}
		n.target = f.paths[n.Link]
		if n.target == nil || n.target.Link != "" || n.target.Kind != n.Kind {
			return nil, fmt.Errorf("image: %s is linked to %s, which is no such file of its own", n.Path, n.Link)
		}
	}
	if f.MF == nil {
		return nil, fmt.Errorf("image: no MF")
	}
	return f, nil
}

func (f *FS) add(row image.File) error {
	n := &Node{File: row, fs: f}
	f.paths[row.Path] = n
	head, _, nested := cutLast(row.Path)
	switch {
	case nested:
		if n.Parent = f.paths[head]; n.Parent == nil {
			return fmt.Errorf("image: %s stands before its parent", row.Path)
		}
		n.Parent.Children = append(n.Parent.Children, n)
	case row.FID == 0x3F00:
		f.MF = n
	default:
		n.Parent = f.MF
		f.ADFs = append(f.ADFs, n)
	}
	return nil
}

func cutLast(path string) (head, tail string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

// IsDF tells a directory.
func (n *Node) IsDF() bool { return n.Kind == image.DF }

// IsADF tells an application directory.
func (n *Node) IsADF() bool { return len(n.AID) > 0 }

// ADF is the application directory the file stands in, nil in the tree of MF.
func (n *Node) ADF() *Node {
	for ; n != nil; n = n.Parent {
		if n.IsADF() {
			return n
		}
	}
	return nil
}

// FIDs is the path of file identifiers below MF or below the ADF, without their own.
func (n *Node) FIDs() []uint16 {
	if n.Parent == nil || n.IsADF() {
		return nil
	}
	return append(n.Parent.FIDs(), n.FID)
}

// Child finds a file right below.
func (n *Node) Child(fid uint16) *Node {
	for _, c := range n.Children {
		if c.FID == fid {
			return c
		}
	}
	return nil
}

// ChildSFI finds an EF right below by its short file identifier.
func (n *Node) ChildSFI(sfi byte) *Node {
	for _, c := range n.Children {
		if !c.IsDF() && c.shortID() == sfi {
			return c
		}
	}
	return nil
}

func (n *Node) shortID() byte {
	if n.NoSFI {
		return 0
	}
	return n.SFI
}

// FindADF finds an application by its full AID or the first bytes of it (clause 8.5.1.2), beginning behind after;
// nil begins at the first.
func (f *FS) FindADF(aid []byte, after *Node) *Node {
	passed := after == nil
	for _, n := range f.ADFs {
		if passed && bytes.HasPrefix(n.AID, aid) {
			return n
		}
		passed = passed || n == after
	}
	return nil
}

// Reach finds what SELECT by file identifier may select from the current directory: MF, the current ADF (7FFF), its
// own children, itself, its parent, and directories beside it (clause 8.4.1).
func (f *FS) Reach(current *Node, fid uint16) *Node {
	switch fid {
	case 0x3F00:
		return f.MF
	case 0x7FFF:
		return current.ADF()
	}
	if c := current.Child(fid); c != nil {
		return c
	}
	if current.FID == fid && !current.IsADF() {
		return current
	}
	if p := current.Parent; p != nil && !current.IsADF() {
		if p.FID == fid && !p.IsADF() {
			return p
		}
		if s := p.Child(fid); s != nil && s.IsDF() {
			return s
		}
	}
	return nil
}

// Walk follows identifiers from a directory; nil when one is missing.
func Walk(from *Node, fids []uint16) *Node {
	for _, fid := range fids {
		if from == nil {
			return nil
		}
		from = from.Child(fid)
	}
	return from
}

// Content is the bytes of an EF; of a linked one, the other file's.
func (n *Node) Content() []byte {
	if n.target != nil {
		return n.target.Content()
	}
	if v := n.fs.mem.Get("file/" + n.Path); len(v) == len(n.File.Content) && v != nil {
		return v
	}
	return bytes.Clone(n.File.Content)
}

// Store replaces the content as one write. apdu.SWMemory when the memory refuses.
func (n *Node) Store(v []byte) error {
	if n.target != nil {
		return n.target.Store(v)
	}
	if n.fs.mem.PutNow("file/"+n.Path, v) != nil {
		return apdu.SWMemory
	}
	return nil
}

// Physical is the file that holds the content.
func (n *Node) Physical() *Node {
	if n.target != nil {
		return n.target.Physical()
	}
	return n
}

// Linked gives every file that shows this one's content, itself included.
func (n *Node) Linked() []*Node {
	out := []*Node{}
	for _, o := range n.fs.paths {
		if o.Physical() == n.Physical() {
			out = append(out, o)
		}
	}
	return out
}

// State is the life cycle status byte.
func (n *Node) State() byte {
	p := n.Physical()
	if v := n.fs.mem.Get("state/" + p.Path); len(v) == 1 {
		return v[0]
	}
	if p.File.State != 0 {
		return p.File.State
	}
	return stateActivated
}

const (
	stateActivated   = 0x05
	stateDeactivated = 0x04
)

// Activated tells whether the file may be used.
func (n *Node) Activated() bool { return n.State()&0x05 == 0x05 }

// SetActivated writes the life cycle state.
func (n *Node) SetActivated(on bool) error {
	v := byte(stateDeactivated)
	if on {
		v = stateActivated
	}
	if n.fs.mem.PutNow("state/"+n.Physical().Path, []byte{v}) != nil {
		return apdu.SWMemory
	}
	return nil
}

// Records is how many records the file has.
func (n *Node) Records() int {
	if n.RecordSize == 0 {
		return 0
	}
	return len(n.Content()) / n.RecordSize
}

// FCP is the answer of SELECT (clause 11.1.1.3): 82 83 84 A5 8A 8B C6 80 88, as far as they apply.
func (n *Node) FCP() []byte {
	v := tlv.Encode(0x82, n.descriptor())
	v = tlv.Append(v, 0x83, []byte{byte(n.FID >> 8), byte(n.FID)})
	if n.IsADF() {
		v = tlv.Append(v, 0x84, n.AID)
	}
	if len(n.Proprietary) > 0 {
		v = tlv.Append(v, 0xA5, n.Proprietary)
	}
	v = tlv.Append(v, 0x8A, []byte{n.State()})
	v = tlv.Append(v, 0x8B, []byte{byte(n.ARR >> 8), byte(n.ARR), n.Rule})
	if n.IsDF() {
		v = tlv.Append(v, 0xC6, n.pinStatus())
	} else {
		v = n.sizes(v)
	}
	return tlv.Encode(0x62, v)
}

func (n *Node) descriptor() []byte {
	switch n.Kind {
	case image.DF:
		return []byte{0x78, 0x21}
	case image.Transparent:
		return []byte{0x41, 0x21}
	}
	kind := byte(0x42)
	if n.Kind == image.Cyclic {
		kind = 0x46
	}
	return []byte{kind, 0x21, byte(n.RecordSize >> 8), byte(n.RecordSize), byte(n.Records())}
}

func (n *Node) sizes(v []byte) []byte {
	size := len(n.Content())
	v = tlv.Append(v, 0x80, []byte{byte(size >> 8), byte(size)})
	if n.NoSFI {
		return tlv.Append(v, 0x88)
	}
	return tlv.Append(v, 0x88, []byte{n.SFI << 3})
}

// pinStatus is the value of C6: a bit for every key reference, from the left, then the references (clause 9.5.2).
func (n *Node) pinStatus() []byte {
	refs := n.PINRefs
	if len(refs) == 0 && n.Parent != nil {
		refs = n.Parent.PINRefs
	}
	var bits byte
	for i, ref := range refs {
		if n.fs.PINEnabled(ref) {
			bits |= 0x80 >> i
		}
	}
	v := tlv.Encode(0x90, []byte{bits})
	for _, ref := range refs {
		v = tlv.Append(v, 0x83, []byte{ref})
	}
	return v
}
