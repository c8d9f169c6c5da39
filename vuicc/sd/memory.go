package sd

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// The cells. Counters of a key set have their own, see counter.
const (
	identityCell = "sd/identity"
	keysCell     = "sd/keys"
	registryCell = "sd/registry"
)

// identity is what hardly ever changes.
type identity struct {
	AID, Privileges, KDD, CPLC, IIN, CIN []byte
	Velocity, MaxData                    int
}

// registry is the content of the card and its life cycle.
type registry struct {
	State byte
	Content
}

// errConfig is wrapped by every refusal of a configuration.
var errConfig = errors.New("configuration")

// create writes the cells that are not there yet.
func (d *Domain) create(cfg Config) error {
	cells := map[string]any{}
	if d.mem.Get(identityCell) == nil {
		id, err := cfg.identity()
		if err != nil {
			return err
		}
		cells[identityCell] = id
	}
	if d.mem.Get(keysCell) == nil {
		keys, err := importKeys(cfg.Keys)
		if err != nil {
			return err
		}
		cells[keysCell] = keys
	}
	if d.mem.Get(registryCell) == nil {
		cells[registryCell] = registry{State: orByte(cfg.State, Secured), Content: cfg.Preinstalled.normal()}
	}
	if len(cells) == 0 {
		return nil
	}
	return d.write(cells)
}

func (cfg Config) identity() (identity, error) {
	id := identity{
		AID: cfg.AID, Privileges: cfg.Privileges, KDD: cfg.KDD, CPLC: cfg.CPLC, IIN: cfg.IIN, CIN: cfg.CIN,
		Velocity: cfg.Velocity, MaxData: cfg.MaxData,
	}
	if id.AID == nil {
		id.AID = DefaultAID
	}
	if id.Privileges == nil {
		id.Privileges = []byte{0x9E, 0xFE, 0x80}
	}
	if id.KDD == nil {
		id.KDD = make([]byte, 10)
	}
	if id.Velocity == 0 {
		id.Velocity = 10
	}
	if id.MaxData == 0 {
		id.MaxData = 255
	}
	return id, id.check()
}

func (id identity) check() error {
	switch {
	case !validAID(id.AID):
		return fmt.Errorf("%w: AID of %d bytes", errConfig, len(id.AID))
	case len(id.Privileges) != 3 || len(id.KDD) != 10 || len(id.CPLC) != 0 && len(id.CPLC) != 42:
		return fmt.Errorf("%w: privileges, key diversification data or CPLC of a wrong length", errConfig)
	case id.Velocity < 1 || id.Velocity > 255 || id.MaxData < 64 || id.MaxData > 255:
		return fmt.Errorf("%w: velocity %d, command data %d", errConfig, id.Velocity, id.MaxData)
	}
	return nil
}

// normal brings rows into the form commands give them: three bytes of privileges, a life cycle.
func (c Content) normal() Content {
	out := Content{LoadFiles: c.LoadFiles, Instances: slices.Clone(c.Instances)}
	for n := range out.Instances {
		i := &out.Instances[n]
		i.State = orByte(i.State, Selectable)
		i.Privileges = append(bytes.Clone(i.Privileges), 0, 0, 0)[:3]
	}
	return out
}

func orByte(v, other byte) byte {
	if v == 0 {
		return other
	}
	return v
}

// read takes everything from the memory.
func (d *Domain) read() error {
	var id identity
	var keys []keySet
	var reg registry
	for cell, into := range map[string]any{identityCell: &id, keysCell: &keys, registryCell: &reg} {
		if err := json.Unmarshal(d.mem.Get(cell), into); err != nil {
			return fmt.Errorf("cell %s: %w", cell, err)
		}
	}
	if err := id.check(); err != nil {
		return err
	}
	if err := checkKeys(keys); err != nil {
		return err
	}
	d.fixed, d.keys, d.reg = id, keys, reg
	return nil
}

// write puts cells in one transaction: a value is coded as JSON, nil deletes.
func (d *Domain) write(cells map[string]any) error {
	if err := d.mem.Begin(); err != nil {
		return err
	}
	for cell, v := range cells {
		if err := d.put(cell, v); err != nil {
			d.mem.Abort()
			return err
		}
	}
	return d.mem.Commit()
}

func (d *Domain) put(cell string, v any) error {
	if v == nil {
		return d.mem.Delete(cell)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return d.mem.Put(cell, raw)
}

// setRegistry makes a new registry the one that counts, or leaves the old one when the memory refuses.
func (d *Domain) setRegistry(r registry) error {
	if err := d.write(map[string]any{registryCell: r}); err != nil {
		return err
	}
	d.reg = r
	return nil
}

// counter is the cell of a counter of a key set: "failures" or "sequence".
func counter(kvn byte, what string) string {
	return "sd/" + hex.EncodeToString([]byte{kvn}) + "/" + what
}

func validAID(aid []byte) bool { return len(aid) >= 5 && len(aid) <= 16 }
