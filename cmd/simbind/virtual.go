package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
	"github.com/spf13/cobra"

	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/vpcd"
)

// virtualReader is a reader in memory with the virtual card of a file in it.
type virtualReader struct {
	service pcsc.Service
	card    *virtualCard
}

// Close lets another process have the card.
func (v *virtualReader) Close() error { return v.card.Close() }

// virtualCard is a card out of its file, which no other process has, and what runs its applet.
type virtualCard struct {
	*vuicc.Card
	lock *flock.Flock
	end  func()
}

// Close ends the applet and lets another process have the card.
func (v *virtualCard) Close() error {
	v.end()
	return v.lock.Unlock()
}

// openVirtual opens the virtual card of a file; without one, the card of the state folder.
func (a *app) openVirtual(path string) (*virtualReader, error) {
	path, err := a.virtualPath(path)
	if err != nil {
		return nil, err
	}
	card, err := a.openVirtualCard(path)
	if err != nil {
		return nil, err
	}
	service := mock.New()
	service.AddReader("Virtual reader").Insert(card.Card)
	return &virtualReader{service: service, card: card}, nil
}

func (a *app) virtualPath(path string) (string, error) {
	if path != "" {
		return path, nil
	}
	dir, err := a.stateDir()
	return filepath.Join(dir, "virtual.card"), err
}

// openVirtualCard takes a card out of its file; the memory tells which applet it runs.
func (a *app) openVirtualCard(path string, opts ...vuicc.Option) (*virtualCard, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &codeError{code: exitNoCard, err: fmt.Errorf("virtual card %s: no such file", path), hint: "'simbind virtual new " + path + "' makes one"}
	}
	if err != nil {
		return nil, &codeError{code: exitNoCard, err: fmt.Errorf("virtual card: %w", err)}
	}
	if !info.Mode().IsRegular() {
		return nil, &codeError{code: exitNoCard, err: fmt.Errorf("virtual card %s: not a file", path), hint: "name the file 'simbind virtual new' made"}
	}
	lock, err := lockVirtual(path)
	if err != nil {
		return nil, err
	}
	card, end, err := a.runVirtual(path, opts)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return &virtualCard{card, lock, end}, nil
}

// runVirtual opens the card with the applet it runs.
func (a *app) runVirtual(path string, opts []vuicc.Option) (*vuicc.Card, func(), error) {
	damaged := func(err error) error {
		return &codeError{code: exitOther, err: fmt.Errorf("virtual card %s: %w", path, err), hint: "a card is a file that 'simbind virtual new' made; nothing was changed"}
	}
	kind, err := appletOf(path)
	if err != nil {
		return nil, nil, damaged(err)
	}
	plugged, end, err := a.plugApplet(kind)
	if err != nil {
		return nil, nil, err
	}
	card, err := vuicc.Open(path, append(opts, plugged...)...)
	if err != nil {
		end()
		return nil, nil, damaged(err)
	}
	return card, end, nil
}

// lockVirtual keeps other processes away from a virtual card.
func lockVirtual(path string) (*flock.Flock, error) {
	lock := flock.New(path + ".lock")
	ok, err := lock.TryLock()
	if err != nil {
		return nil, &codeError{code: exitOther, err: fmt.Errorf("virtual card %s: lock: %w", path, err)}
	}
	if !ok {
		return nil, &codeError{code: exitBusy, err: fmt.Errorf("virtual card %s: another process has it in use", path), hint: "end the other process, or wait"}
	}
	return lock, nil
}

func (a *app) virtualCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "virtual",
		Short: "Make, show and serve virtual cards",
		Long:  "A virtual card is a whole (U)SIM in one file: files, PINs, keys, toolkit and the binding applet, as a model or itself.\nIt is the card of --reader virtual:FILE, of rehearsals, and of other PC/SC programs through 'virtual serve'.",
	}
	c.AddCommand(a.virtualNew(), a.virtualCAP(), a.virtualServe(), a.virtualShow())
	return c
}

func (a *app) virtualNew() *cobra.Command {
	var w wantedCard
	c := &cobra.Command{
		Use:   "new [FILE]",
		Short: "Make a virtual card",
		Long:  "Make a virtual card in FILE (default: virtual.card in the state folder).\n\nImages:\n" + imageList(),
		Example: `  simbind virtual new card.json
  simbind virtual new card.json --image usim-separate --iccid 8988211000000430010
  simbind virtual new card.json --applet java`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.makeVirtual(strings.Join(args, ""), w)
		},
	}
	f := c.Flags()
	f.StringVar(&w.image, "image", image.Names()[0], "card image: "+strings.Join(image.Names(), ", "))
	f.StringVar(&w.iccid, "iccid", "", "ICCID, 18 to 20 digits (default: the image's)")
	f.StringVar(&w.imsi, "imsi", "", "IMSI, 6 to 15 digits (default: the image's)")
	f.StringVar(&w.applet, "applet", appletModel, appletHelp)
	f.BoolVar(&w.force, "force", false, "replace a card that is there")
	return c
}

func imageList() string {
	var b strings.Builder
	for _, n := range image.Names() {
		img, _ := image.Get(n) // every listed name exists
		fmt.Fprintf(&b, "  %-15s %s\n", n, img.Description)
	}
	return b.String()
}

// wantedCard is what virtual new is asked for.
type wantedCard struct {
	image, iccid, imsi string
	applet             string
	force              bool
}

func (a *app) makeVirtual(path string, w wantedCard) error {
	path, err := a.virtualPath(path)
	if err != nil {
		return err
	}
	img, err := image.Get(w.image)
	if err != nil {
		return usagef("--image: %w", err)
	}
	if img, err = img.With(w.iccid, w.imsi); err != nil {
		return usagef("%w", err)
	}
	opts, end, err := a.plugApplet(w.applet)
	if err != nil {
		return err
	}
	defer end()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fileError("virtual card "+path, err)
	}
	lock, err := lockVirtual(path)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if err := makeRoom(path, w.force); err != nil {
		return err
	}
	card, err := vuicc.Create(path, img, opts...)
	if err != nil {
		return err
	}
	if a.global.json {
		return a.show(virtualFacts(path, card))
	}
	a.say("virtual card %s (%s); use it with --reader virtual:%s", path, w.image, path)
	return nil
}

// makeRoom removes the card that is there when that is agreed to; what is no file is never removed.
func makeRoom(path string, force bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &codeError{code: exitRefused, err: fmt.Errorf("%s: something that is no file is there", path), hint: "give another name"}
	case !force:
		return &codeError{code: exitRefused, err: fmt.Errorf("%s: a file is there already", path), hint: "--force replaces it"}
	}
	return os.Remove(path)
}

func (a *app) virtualServe() *cobra.Command {
	var host, applet string
	var port int
	var timing vuicc.Timing
	c := &cobra.Command{
		Use:   "serve [FILE]",
		Short: "Put a virtual card into a running pcscd (vpcd driver)",
		Long:  "Connect to the vpcd driver of a running pcscd and be the card in its reader, until interrupted. --json says then what the card saw.",
		Example: `  simbind virtual serve card.json &
  opensc-tool --atr`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if timing.BitRate < 0 || timing.Overhead < 0 || timing.Write < 0 {
				return usagef("--bit-rate, --overhead and --write-time are not negative")
			}
			if port < 1 || port > 0xFFFF {
				return usagef("--port: 1 to 65535")
			}
			timing.Wait, timing.Page = true, 64
			return a.serveVirtual(c.Context(), strings.Join(args, ""), applet, fmt.Sprintf("%s:%d", host, port), timing)
		},
	}
	c.Flags().StringVar(&host, "host", "127.0.0.1", "where the driver listens")
	c.Flags().IntVar(&port, "port", vpcd.DefaultPort, "port of the driver's reader")
	c.Flags().StringVar(&applet, "applet", "", "refuse a card that does not run this: model or java (see virtual new)")
	c.Flags().IntVar(&timing.BitRate, "bit-rate", 0, "take the time of a real card at so many bit/s, such as 115200; 0: as fast as it goes")
	c.Flags().DurationVar(&timing.Overhead, "overhead", 0, "time of reader and protocol, a command")
	c.Flags().DurationVar(&timing.Write, "write-time", 0, "time to write a page of 64 bytes of memory")
	return c
}

func (a *app) serveVirtual(ctx context.Context, path, applet, addr string, timing vuicc.Timing) error {
	path, err := a.virtualPath(path)
	if err != nil {
		return err
	}
	if err := wantApplet(path, applet); err != nil {
		return err
	}
	card, err := a.openVirtualCard(path, vuicc.WithTiming(timing))
	if err != nil {
		return err
	}
	defer card.Close()
	a.say("serving %s to %s; interrupt ends it", path, addr)
	if err := vpcd.Serve(ctx, addr, card.Card); err != nil && ctx.Err() == nil {
		return &codeError{code: exitNoCard, err: err, hint: "is pcscd running with the vpcd driver (package vsmartcard-vpcd)?"}
	}
	if a.global.json {
		return a.show(servedReport{schema("virtual-serve"), path, addr, card.Counters()})
	}
	return nil
}

// servedReport is said when the service ends: what the card saw.
type servedReport struct {
	head
	File    string         `json:"file"`
	Address string         `json:"address"`
	Count   vuicc.Counters `json:"counters"`
}

func (r servedReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "%s at %s: %d commands\n", r.File, r.Address, r.Count.Commands)
}

type virtualReport struct {
	head
	File  string         `json:"file"`
	Facts []virtualFact  `json:"files"`
	Count vuicc.Counters `json:"counters"`
}

type virtualFact struct {
	Path    string `json:"path"`
	Name    string `json:"name"`
	Content string `json:"content"`
}

func (r virtualReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "virtual card %s\n", r.File)
	var rows [][]string
	for _, f := range r.Facts {
		rows = append(rows, []string{f.Path, f.Name, f.Content})
	}
	table(w, []string{"PATH", "FILE", "CONTENT"}, rows)
}

func (a *app) virtualShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show [FILE]",
		Short:   "Show what a virtual card's memory holds, without talking to it",
		Example: "  simbind virtual show card.json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := a.virtualPath(strings.Join(args, ""))
			if err != nil {
				return err
			}
			card, err := a.openVirtualCard(path)
			if err != nil {
				return err
			}
			defer card.Close()
			return a.show(virtualFacts(path, card.Card))
		},
	}
}

// virtualFacts lists the files of the card and the cells of its memory, as they are in the factory image or were written since.
func virtualFacts(path string, card *vuicc.Card) *virtualReport {
	r := &virtualReport{head: schema("virtual"), File: path, Count: card.Counters(), Facts: []virtualFact{}}
	for _, f := range card.Files() {
		r.Facts = append(r.Facts, virtualFact{Path: f.Path, Name: f.Name, Content: fmt.Sprintf("%X", f.Content)})
	}
	return r
}
