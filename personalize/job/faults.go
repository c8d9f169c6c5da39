package job

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong in a job, and what to do about it. It never tells a secret, nor the digits of a card.
type Fault struct {
	File   string `json:"file"`
	Line   int    `json:"line"`           // from 1
	Column int    `json:"column"`         // character in the line, from 1
	Name   string `json:"name,omitempty"` // of the column or field
	Reason string `json:"reason"`
	Remedy string `json:"remedy,omitempty"`
	More   int    `json:"more,omitempty"` // of the last warning that says this: so many more rows have it
}

// Error reads "cards.csv:2:42: imei: the check digit is 9, the other digits want 8; look at the device again".
func (f *Fault) Error() string {
	s := fmt.Sprintf("%s:%d:%d: ", f.File, f.Line, f.Column)
	if f.Name != "" {
		s += f.Name + ": "
	}
	s += f.Reason
	if f.Remedy != "" {
		s += "; " + f.Remedy
	}
	if f.More > 0 {
		s += fmt.Sprintf(" (and in %d more)", f.More)
	}
	return s
}

// maxListed is how many faults are told; the others are counted. Of warnings that say the same maxAlike are told, so that none crowds out another.
const (
	maxListed = 100
	maxAlike  = 5
)

// Faults are all faults of a job in the order of their places. *Faults is the error of a job that does not validate.
type Faults struct {
	List  []Fault // the first 100
	Total int
}

func (fs *Faults) Error() string {
	lines := make([]string, 0, len(fs.List)+1)
	for i := range fs.List {
		lines = append(lines, fs.List[i].Error())
	}
	if more := fs.Untold(); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// Untold is how many there are of which nothing in List tells.
func (fs *Faults) Untold() int {
	n := fs.Total - len(fs.List)
	for _, f := range fs.List {
		n -= f.More
	}
	return n
}

// alike counts a warning that was told often enough, and tells whether it was.
func (fs *Faults) alike(name, reason string) bool {
	told, last := 0, 0
	for i, f := range fs.List {
		if f.Name == name && f.Reason == reason {
			told, last = told+1, i
		}
	}
	if told < maxAlike {
		return false
	}
	fs.Total++
	fs.List[last].More++
	return true
}

// add counts a fault, and keeps it while there is room. Faults come in the order of the file, so that the first are kept.
func (fs *Faults) add(f Fault) {
	fs.Total++
	if len(fs.List) < maxListed {
		fs.List = append(fs.List, f)
	}
}

// merge takes the faults of a later pass over the same file.
func (fs *Faults) merge(o Faults) {
	fs.Total += o.Total
	fs.List = append(fs.List, o.List...)
	slices.SortStableFunc(fs.List, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	fs.List = fs.List[:min(len(fs.List), maxListed)]
}

// take appends the faults of another file.
func (fs *Faults) take(o Faults) {
	fs.Total += o.Total
	fs.List = append(fs.List, o.List...)
	fs.List = fs.List[:min(len(fs.List), maxListed)]
}

func (fs *Faults) asError() error {
	if fs.Total == 0 {
		return nil
	}
	return fs
}

func oneFault(f Fault) error { return &Faults{List: []Fault{f}, Total: 1} }

// remedied is a reason with its remedy.
type remedied struct{ reason, remedy string }

func (r *remedied) Error() string { return r.reason + "; " + r.remedy }

func wrong(reason, remedy string) error { return &remedied{reason, remedy} }
