package job

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/internal/cells"
	"github.com/simbind/simbind/uicc"
)

// identity is a number that no two cards may share, and the row it stands in.
type identity struct {
	number uint64
	row    uint32
}

// identities are looked at for duplicates when all rows are known: sorting takes a tenth of the memory that maps do.
type identities struct{ imsis, imeis []identity }

func (s *identities) add(d *draft, row uint32, j *Job) {
	if d.IMSI != "" {
		s.imsis = append(s.imsis, identity{imsiNumber(d.IMSI), row})
	}
	for _, p := range d.imeis {
		if !j.AllowSameIMEI {
			s.imeis = append(s.imeis, identity{imeiNumber(p.imei), row})
		}
	}
}

// imsiNumber is the digits with a 1 in front, which keeps leading zeros apart: 16 digits at most.
func imsiNumber(digits string) uint64 {
	n := uint64(1)
	for _, d := range []byte(digits) {
		n = n*10 + uint64(d-'0')
	}
	return n
}

func imeiNumber(i binding.IMEI) uint64 {
	var b [8]byte
	copy(b[1:], i[:])
	return binary.BigEndian.Uint64(b[:])
}

// duplicates finds what stands in two rows. The fault is told at the later one.
func (r *reading) duplicates() {
	t := &r.job.table
	t.sorted = make([]uint32, len(t.iccids))
	for i := range t.sorted {
		t.sorted[i] = uint32(i)
	}
	slices.SortFunc(t.sorted, func(a, b uint32) int { return cmp.Or(compare(t.iccids[a], t.iccids[b]), cmp.Compare(a, b)) })
	var pairs []pair
	first := 0
	for i := 1; i < len(t.sorted); i++ {
		if t.iccids[t.sorted[i]] != t.iccids[t.sorted[first]] {
			first = i
			continue
		}
		pairs = append(pairs, pair{t.sorted[first], t.sorted[i], 0})
	}
	r.twice(pairs, "ICCID", func(*draft, uint64) (int, int) { return slices.Index(t.header, "iccid"), 0 })
	r.twice(pairsOf(r.seen.imsis), "IMSI", func(*draft, uint64) (int, int) { return slices.Index(t.header, "imsi"), 0 })
	r.twice(pairsOf(r.seen.imeis), "IMEI", placeOfIMEI)
	r.seen = identities{}
	r.unchecked()
}

// unchecked points at a card that may stand in two rows: as it shows itself, and without the check digit. Where all ICCIDs are of one length
// there is none.
func (r *reading) unchecked() {
	t := &r.job.table
	if r.longest == r.shortest {
		return
	}
	var found Faults
	for i, packed := range t.iccids {
		digits := unpack(packed)
		check, err := uicc.CheckDigit(digits)
		if err != nil || len(digits) == r.longest {
			continue
		}
		other, there := t.find(uicc.ICCID(digits + string(check)).Encode())
		if !there {
			continue
		}
		rec, err := cells.From(t.b, t.comma, int(t.offsets[i]), int(t.lines[i]))
		if err != nil {
			continue
		}
		place := slices.Index(t.header, "iccid")
		text := rec.Cells[place].Text
		lead := utf8.RuneCount(text[:bytes.Index(text, bytes.TrimSpace(text))])
		found.add(r.placed(cellFault{place, lead, fmt.Sprintf("with its check digit behind, this is the ICCID of line %d", t.lines[other]), "make sure that these are two cards"}, rec))
	}
	r.warnings.merge(found)
}

// pair is two rows that share a number.
type pair struct {
	first, again uint32
	number       uint64
}

func pairsOf(all []identity) []pair {
	slices.SortFunc(all, func(a, b identity) int { return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.row, b.row)) })
	var out []pair
	first := 0
	for i := 1; i < len(all); i++ {
		if all[i].number != all[first].number {
			first = i
			continue
		}
		out = append(out, pair{all[first].row, all[i].row, all[i].number})
	}
	return out
}

// placeOfIMEI is the last place of an IMEI in a row: the one that repeats it.
func placeOfIMEI(d *draft, number uint64) (cell, lead int) {
	for _, p := range d.imeis {
		if imeiNumber(p.imei) == number {
			cell, lead = p.cell, p.lead
		}
	}
	return cell, lead
}

// twice tells the pairs in the order of their rows.
func (r *reading) twice(pairs []pair, what string, place func(*draft, uint64) (cell, lead int)) {
	t := &r.job.table
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.again, b.again) })
	var found Faults
	for _, p := range pairs {
		if found.Total >= maxListed {
			found.Total++
			continue
		}
		rec, err := cells.From(t.b, t.comma, int(t.offsets[p.again]), int(t.lines[p.again]))
		if err != nil {
			continue
		}
		cell, lead := place(t.read(int(p.again)), p.number)
		reason := fmt.Sprintf("the same %s stands in line %d", what, t.lines[p.first])
		if p.first == p.again {
			reason = fmt.Sprintf("the same %s stands twice in this row", what)
		}
		found.add(r.placed(cellFault{cell, lead, reason, twiceRemedies[what]}, rec))
	}
	r.faults.merge(found)
}

var twiceRemedies = map[string]string{
	"ICCID": "a card has one row",
	"IMSI":  "a subscription is on one card",
	"IMEI":  "bind each card to its own terminal, or allow it for this job (allow_duplicate_imei, --allow-same-imei)",
}
