package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
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
			data, err := a.hexArgument(c.Context(), args[0])
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

// maxStoreText is more hex, broken into lines, than 256 blocks of STORE DATA carry.
const maxStoreText = 4 * 256 * apdu.MaxShortData

// hexArgument reads bytes in hex, blanks and line ends allowed, from an argument or, as -, from all of standard input.
func (a *app) hexArgument(ctx context.Context, text string) ([]byte, error) {
	if text == "-" {
		b, err := io.ReadAll(io.LimitReader(a.stdin(ctx), maxStoreText+1))
		if err != nil {
			return nil, err
		}
		if len(b) > maxStoreText {
			return nil, usagef("data: more than %d characters, which no chain of commands carries", maxStoreText)
		}
		text = string(b)
	}
	data, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
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
What opens a channel, what offers a code, what ends a card's life, and what has a verb that looks first (the card's life cycle,
keys, DELETE) is refused. The first command the card refuses is the last one sent;
what was answered before it is told as notes.`,
		Example: "  simbind gp send 80CA00E000 80F28002024F00 --keys keys.csv --yes --expect-iccid 8988211000000430010",
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

// Instructions of ETSI TS 102 222, class 0X, that end a directory, a file or the whole card.
const (
	insTerminateDF   = 0xE6
	insTerminateEF   = 0xE8
	insTerminateCard = 0xFE
)

// codeINS are the instructions that offer a code, of which a wrong one costs a try.
var codeINS = []byte{apdu.INSVerifyPIN, apdu.INSChangePIN, apdu.INSDisablePIN, apdu.INSEnablePIN, apdu.INSUnblockPIN}

// sendable refuses what nobody can want, what the tool counts, and what has a verb that looks first and proves the result. Whatever P1 of
// SET STATUS says beside its first bits, a card may read those alone.
func sendable(c apdu.Command) error {
	card := c.P1&byte(gp.Domains) != 0
	switch {
	case c.INS == apdu.INSInitializeUpdate || c.INS == apdu.INSExternalAuth:
		return errors.New("a channel is opened by the tool, which counts the attempts")
	case len(c.Data) > 0 && slices.Contains(codeINS, c.INS):
		return errors.New("a code is offered by the verbs that read its counter first, out of a file")
	case apdu.SecureMessaging(c.CLA):
		return errors.New("commands are given in clear; the channel protects them")
	case c.INS == apdu.INSSetStatus && c.P2 == 0xFF:
		return errors.New("TERMINATED ends the card for ever and is refused")
	case c.INS == insTerminateCard || c.CLA&0x80 == 0 && (c.INS == insTerminateDF || c.INS == insTerminateEF):
		return errors.New("TERMINATE ends the card or a file of it for ever and is refused")
	case c.INS == apdu.INSSetStatus && card:
		return errors.New("the life cycle of the card is changed by 'simbind gp card-state', which asks for its ICCID")
	case c.INS == apdu.INSPutKey:
		return errors.New("keys are put by 'simbind gp keys put', which proves them")
	case c.INS == apdu.INSDelete:
		return errors.New("'simbind gp delete' and 'simbind gp keys delete' look at the card before they delete")
	}
	return nil
}
