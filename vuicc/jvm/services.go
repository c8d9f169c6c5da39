package jvm

import (
	"bytes"
	"errors"

	"github.com/simbind/simbind/vuicc/cat"
	"github.com/simbind/simbind/vuicc/plug"
)

// services by number; the arguments stand beside them (see protocol.go). A view is its number (1) and the AID of its ADF or none.
var services map[byte]func(a *applet, c *cursor) writer

func init() {
	services = map[byte]func(a *applet, c *cursor) writer{
		1: (*applet).write, // cells

		10: file(selectFile),   // view, FID 2
		11: file(readBinary),   // view, offset 2, length 2
		12: file(updateBinary), // view, offset 2, data
		13: file(readRecord),   // view, number 2
		14: file(updateRecord), // view, number 2 (0: the oldest), offset 2, data
		15: file(deactivate),   // view
		16: file(activate),     // view
		17: (*applet).openView, // AID or none

		20: (*applet).available,
		21: (*applet).send, // command
		22: (*applet).envelope,
		23: (*applet).registered,
		24: registry(func(r plug.Registry, c *cursor) { r.SetEvent(event(c)) }),                // event 2
		25: registry(func(r plug.Registry, c *cursor) { r.ClearEvent(event(c)) }),              // event 2
		26: (*applet).isEventSet,                                                               // event 2
		27: registry(func(r plug.Registry, c *cursor) { r.RequestPollInterval(int(c.u16())) }), // seconds 2
		28: (*applet).allocateTimer,
		29: registry(func(r plug.Registry, c *cursor) { r.ReleaseTimer(int(c.u8())) }), // timer 1
		30: (*applet).fileEvent,                                                        // AID or none, value of a file list

		40: (*applet).security,      // channel 1, command, Le 2
		41: (*applet).unwrap,        // channel 1, command, Le 2
		42: (*applet).wrap,          // channel 1, data ‖ SW
		43: (*applet).level,         // channel 1
		44: (*applet).resetSecurity, // channel 1
	}
}

// reasonUnknown answers a service that is not there; no exception of the API has such a reason.
const reasonUnknown = 0xFFFF

func (a *applet) service(c *cursor) []byte {
	s, ok := services[c.u8()]
	if !ok {
		return writer(nil).u16(reasonUnknown)
	}
	return s(a, c)
}

func (a *applet) write(c *cursor) writer {
	if a.memory.store(c) != nil {
		return writer(nil).u16(1)
	}
	return writer(nil).u16(0)
}

// file makes a service of a method of FileView: the reason is that of UICCException.
func file(do func(v plug.FileView, c *cursor) ([]byte, error)) func(*applet, *cursor) writer {
	return func(a *applet, c *cursor) writer {
		v, err := a.view(c.u8(), c.bytes())
		if err != nil {
			return writer(nil).u16(fileReason(err))
		}
		data, err := do(v, c)
		return writer(nil).u16(fileReason(err)).bytes(data)
	}
}

// view gives the view with a number; its current file is forgotten at a reset, so it is made anew.
func (a *applet) view(number byte, adf []byte) (plug.FileView, error) {
	if v, ok := a.views[number]; ok {
		return v, nil
	}
	v, err := a.env.FileView(bytes.Clone(adf))
	if err == nil {
		if a.views == nil {
			a.views = map[byte]plug.FileView{}
		}
		a.views[number] = v
	}
	return v, err
}

func fileReason(err error) uint16 {
	if err == nil {
		return 0
	}
	reason := plug.InternalError
	errors.As(err, &reason)
	return uint16(reason)
}

func selectFile(v plug.FileView, c *cursor) ([]byte, error) { return v.Select(c.u16()) }

func readBinary(v plug.FileView, c *cursor) ([]byte, error) {
	return v.ReadBinary(int(int16(c.u16())), int(int16(c.u16())))
}

func updateBinary(v plug.FileView, c *cursor) ([]byte, error) {
	return nil, v.UpdateBinary(int(int16(c.u16())), c.bytes())
}

func readRecord(v plug.FileView, c *cursor) ([]byte, error) { return v.ReadRecord(int(c.u16())) }

// updateRecord takes a part of a record, too: the rest stays.
func updateRecord(v plug.FileView, c *cursor) ([]byte, error) {
	number, offset, data := int(c.u16()), int(int16(c.u16())), c.bytes()
	if number != 0 {
		record, err := v.ReadRecord(number)
		if err != nil {
			return nil, err
		}
		if offset < 0 || offset+len(data) > len(record) {
			return nil, plug.OutOfRecordBoundaries
		}
		copy(record[offset:], data)
		data = record
	}
	return nil, v.UpdateRecord(number, data)
}

func deactivate(v plug.FileView, _ *cursor) ([]byte, error) { return nil, v.DeactivateFile() }
func activate(v plug.FileView, _ *cursor) ([]byte, error)   { return nil, v.ActivateFile() }

func (a *applet) openView(c *cursor) writer {
	_, err := a.env.FileView(bytes.Clone(c.bytes()))
	return writer(nil).u16(fileReason(err))
}

// Reasons of uicc.toolkit.ToolkitException.
const (
	handlerOverflow     = 1
	handlerNotAvailable = 2
	unavailableElement  = 3
	noTimerAvailable    = 11
	invalidTimer        = 12
	badInput            = 14
	commandNotAllowed   = 15
)

func (a *applet) available(*cursor) writer {
	if _, ok := a.env.Proactive(); !ok {
		return writer(nil).u16(handlerNotAvailable)
	}
	return writer(nil).u16(0)
}

// send suspends the coroutine the applet runs in; the runtime's thread waits with it.
func (a *applet) send(c *cursor) writer {
	h, ok := a.env.Proactive()
	if !ok {
		return writer(nil).u16(handlerNotAvailable)
	}
	response, err := h.Send(c.bytes())
	if err != nil {
		return writer(nil).u16(sendReason(err))
	}
	return writer(nil).u16(0).bytes(response)
}

func sendReason(err error) uint16 {
	switch {
	case errors.Is(err, cat.ErrHandlerOverflow):
		return handlerOverflow
	case errors.Is(err, cat.ErrCommandNotAllowed):
		return commandNotAllowed
	case errors.Is(err, cat.ErrInvalidTimer):
		return invalidTimer
	case errors.Is(err, cat.ErrBadInput):
		return unavailableElement
	}
	return handlerNotAvailable
}

func (a *applet) envelope(*cursor) writer {
	v := a.env.Envelope()
	if v == nil {
		return writer(nil).u16(handlerNotAvailable)
	}
	return writer(nil).u16(0).bytes(v)
}

func yes(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func (a *applet) registered(*cursor) writer {
	return writer(nil).u16(0).u8(yes(a.env.Registry() != nil))
}

func event(c *cursor) plug.Event { return plug.Event(int16(c.u16())) }

// registry makes a service of a method that cannot fail.
func registry(do func(r plug.Registry, c *cursor)) func(*applet, *cursor) writer {
	return func(a *applet, c *cursor) writer {
		do(a.env.Registry(), c)
		return writer(nil).u16(0)
	}
}

func (a *applet) isEventSet(c *cursor) writer {
	return writer(nil).u16(0).u8(yes(a.env.Registry().IsEventSet(event(c))))
}

func (a *applet) allocateTimer(*cursor) writer {
	id, ok := a.env.Registry().AllocateTimer()
	if !ok {
		return writer(nil).u16(noTimerAvailable)
	}
	return writer(nil).u16(0).u8(byte(id))
}

// fileEvent reads the value of a file list: how many, then paths, each from 3F00 on.
func (a *applet) fileEvent(c *cursor) writer {
	adf, list := bytes.Clone(c.bytes()), c.bytes()
	if len(list) < 3 || len(list)%2 == 0 || list[1] != 0x3F || list[2] != 0x00 {
		return writer(nil).u16(badInput)
	}
	var paths [][]uint16
	for b := list[1:]; len(b) > 0; b = b[2:] {
		switch fid := uint16(b[0])<<8 | uint16(b[1]); fid {
		case 0x3F00:
			paths = append(paths, nil)
		case 0x7FFF: // the view's own root
		default:
			paths[len(paths)-1] = append(paths[len(paths)-1], fid)
		}
	}
	if len(paths) != int(list[0]) {
		return writer(nil).u16(badInput)
	}
	for _, p := range paths {
		a.env.Registry().RegisterFileEvent(adf, p...)
	}
	return writer(nil).u16(0)
}
