package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/uicc/cat"
)

type profilesReport struct {
	head
	Terminals []terminalKind `json:"terminals"`
}

type terminalKind struct {
	Name          string `json:"name"`
	Words         string `json:"words"`
	Profile       string `json:"profile"` // hex; empty: none is sent
	IMEI          bool   `json:"provide_local_information"`
	IMEISV        bool   `json:"imeisv"`
	Refresh       bool   `json:"refresh"`
	Busy          int    `json:"busy_first"`
	Late          int    `json:"polls_before_fetch"`
	Result        string `json:"result"`
	RefreshResult string `json:"refresh_result"`
}

func (r profilesReport) text(w io.Writer, _ printer) {
	var rows [][]string
	for _, k := range r.Terminals {
		rows = append(rows, []string{k.Name, k.Words})
	}
	table(w, []string{"PROFILE", "TERMINAL"}, rows)
}

func (a *app) profilesCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "profiles",
		Short:   "List the kinds of terminal 'terminal boot --profile' plays",
		Example: "  simbind terminal profiles --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			out := profilesReport{head: schema("profiles")}
			for _, k := range cat.Kinds {
				out.Terminals = append(out.Terminals, viewKind(k))
			}
			return a.show(out)
		},
	}
}

// viewKind tells what the profile announces, and what the terminal does, which may be something else.
func viewKind(k cat.Kind) terminalKind {
	return terminalKind{
		Name: k.Name, Words: k.Words, Profile: fmt.Sprintf("%X", []byte(k.Profile)), IMEI: k.Profile.Has(cat.FacilityIMEI),
		IMEISV: k.Profile.Has(cat.FacilityIMEISV), Refresh: k.Profile.Has(cat.FacilityRefresh), Busy: k.Busy, Late: k.Late,
		Result: fmt.Sprintf("%02X", byte(k.Result)), RefreshResult: fmt.Sprintf("%02X", byte(k.Refresh)),
	}
}
