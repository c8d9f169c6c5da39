package sd

import (
	"bytes"
	"slices"
)

// State is the life cycle of the card. Of a locked card (CardLocked) the domain alone can be selected.
func (d *Domain) State() byte { return d.reg.State }

// LoadFiles lists the executable load files, in the order they came.
func (d *Domain) LoadFiles() []LoadFile { return slices.Clone(d.reg.LoadFiles) }

// Instances lists the applications, in the order they came.
func (d *Domain) Instances() []Instance { return slices.Clone(d.reg.Instances) }

// Instance gives the application of that full AID.
func (d *Domain) Instance(aid []byte) (Instance, bool) {
	if n := d.reg.instance(aid); n >= 0 {
		return d.reg.Instances[n], true
	}
	return Instance{}, false
}

func (r registry) instance(aid []byte) int {
	return slices.IndexFunc(r.Instances, func(i Instance) bool { return bytes.Equal(i.AID, aid) })
}

func (r registry) loadFile(aid []byte) int {
	return slices.IndexFunc(r.LoadFiles, func(f LoadFile) bool { return bytes.Equal(f.AID, aid) })
}

// of lists the AIDs of the instances made from a load file.
func (r registry) of(loadFile []byte) [][]byte {
	var out [][]byte
	for _, i := range r.Instances {
		if bytes.Equal(i.LoadFile, loadFile) {
			out = append(out, i.AID)
		}
	}
	return out
}

// imported tells whether another load file was linked against this one.
func (r registry) imported(loadFile []byte) bool {
	return slices.ContainsFunc(r.LoadFiles, func(f LoadFile) bool {
		return !bytes.Equal(f.AID, loadFile) && slices.ContainsFunc(f.Imports, func(p Package) bool { return bytes.Equal(p.AID, loadFile) })
	})
}

// copied gives a registry whose rows may be changed without touching the one that counts.
func (r registry) copied() registry {
	r.LoadFiles, r.Instances = slices.Clone(r.LoadFiles), slices.Clone(r.Instances)
	return r
}

// inUse tells whether an AID already names something on the card (GPCS clause 9.3.5).
func (d *Domain) inUse(aid []byte) bool {
	return bytes.Equal(aid, d.fixed.AID) || d.reg.instance(aid) >= 0 || d.reg.loadFile(aid) >= 0
}

// installer is the runtime when it can take content.
func (d *Domain) installer() (Installer, bool) {
	i, ok := d.rt.(Installer)
	return i, ok
}
