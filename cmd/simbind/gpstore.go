package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize/content"
)

// storeForms are what the data of STORE DATA is made of.
var storeForms = map[string]byte{"none": 0, "ber": gp.StoreBERTLV, "dgi": gp.StoreDGI}

func (a *app) gpStoreData() *cobra.Command {
	o := contentFlags{answers: true}
	var application, form string
	c := &cobra.Command{
		Use:   "store-data HEX",
		Short: "Store data in the security domain, or through it in an application",
		Long: `STORE DATA to the issuer security domain, or after INSTALL [for personalization] to the application that
--application names, in as many blocks as the session needs. Keys are not stored this way: see 'gp keys put'. Data on a command
line is seen by others on the machine: give - to read it from standard input.`,
		Example: `  simbind gp store-data 42081234567890123456 --keys keys.csv --dry-run
  simbind gp store-data - --application F053494D42494E4401 --form ber --keys keys.csv --yes --expect-iccid 8988211000000430010 < e0.hex`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			data, err := a.hexArgument(args[0])
			if err != nil {
				return err
			}
			to, err := optionalAID(application)
			if err != nil {
				return err
			}
			p1, ok := storeForms[form]
			if !ok {
				return usagef("--form %s: it is one of none, ber, dgi", form)
			}
			if err := a.agreeContent(c.Context(), &o, "data will be written to the card; go on?"); err != nil {
				return err
			}
			return a.contentVerb(c.Context(), &o, "gp store-data", func(_ context.Context, d *content.Domain) ([]content.Step, error) {
				return d.PlanStore(to, p1, data)
			})
		},
	}
	o.add(c)
	o.addYes(c)
	c.Flags().StringVar(&application, "application", "", "AID of the application the data is for")
	c.Flags().StringVar(&form, "form", "none", "what the data is: none (not said), ber (BER-TLV), dgi")
	return c
}

// hexArgument reads bytes in hex, blanks allowed, from an argument or, as -, from standard input.
func (a *app) hexArgument(text string) ([]byte, error) {
	if text == "-" {
		line, err := firstLine(a.in)
		if err != nil {
			return nil, err
		}
		text = line
	}
	data, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil || len(data) == 0 {
		return nil, usagef("data: hex digits, an even number of them")
	}
	return data, nil
}

func (a *app) gpSend() *cobra.Command {
	o := contentFlags{answers: true}
	c := &cobra.Command{
		Use:   "send APDU…",
		Short: "Send commands as they are through the secure channel",
		Long: `Send commands, each in hex and in clear, through a secure channel to the issuer security domain, and print the answers.
What opens a channel, and what ends a card's life, is refused. The first command the card refuses is the last one sent.`,
		Example: "  simbind gp send 80CA00E000 80F280024F00 --keys keys.csv --yes --expect-iccid 8988211000000430010",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			steps, err := rawSteps(args)
			if err != nil {
				return err
			}
			if err := a.agreeContent(c.Context(), &o, "commands will be sent as they are; go on?"); err != nil {
				return err
			}
			return a.contentVerb(c.Context(), &o, "gp send", func(context.Context, *content.Domain) ([]content.Step, error) { return steps, nil })
		},
	}
	o.add(c)
	o.addYes(c)
	return c
}

func rawSteps(args []string) ([]content.Step, error) {
	var out []content.Step
	for n, text := range args {
		raw, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			return nil, usagef("command %d: hex digits, an even number of them", n+1)
		}
		c, err := apdu.Parse(raw)
		if err != nil {
			return nil, usagef("command %d: %w", n+1, err)
		}
		if err := sendable(c); err != nil {
			return nil, &codeError{code: exitRefused, err: fmt.Errorf("command %d: %w", n+1, err)}
		}
		out = append(out, content.Step{Name: fmt.Sprintf("command %d", n+1), Command: c})
	}
	return out, nil
}

// sendable refuses what the tool counts, or what nobody can want.
func sendable(c apdu.Command) error {
	switch {
	case c.INS == apdu.INSInitializeUpdate || c.INS == apdu.INSExternalAuth:
		return errors.New("a channel is opened by the tool, which counts the attempts")
	case c.INS == apdu.INSSetStatus && c.P1 == byte(gp.Domains) && c.P2 == 0xFF:
		return errors.New("TERMINATED ends the card for ever and is refused")
	case apdu.SecureMessaging(c.CLA):
		return errors.New("commands are given in clear; the channel protects them")
	}
	return nil
}
