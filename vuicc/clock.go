package vuicc

import "time"

// Timing says how fast a real card and reader would be. The zero value is off.
type Timing struct {
	BitRate  int           // bits per second on the contacts, such as 115200; 0: transmission takes no time
	Overhead time.Duration // reader and protocol, a command
	Think    time.Duration // the card's own work, a command
	Page     int           // bytes of one EEPROM page
	Write    time.Duration // to write one page
	Wait     bool          // really wait; otherwise the time is only added up
}

// bitsPerByte: start bit, eight data bits, parity, two of guard time (ISO/IEC 7816-3 clause 7.2).
const bitsPerByte = 12

type clock struct {
	timing  Timing
	elapsed time.Duration
	now     time.Duration // of the command in hand
	// sleep is time.Sleep: a timer, so that many waiting cards share their threads.
	sleep func(time.Duration)
}

// WithTiming turns the clock model on.
func WithTiming(t Timing) Option {
	return func(c *Card) { c.clock.timing = t }
}

// Elapsed is how long the commands so far would have taken.
func (c *Card) Elapsed() time.Duration { return c.clock.elapsed }

func (k *clock) begin(n int) { k.now = k.timing.Overhead + k.timing.Think + k.transmission(n) }

func (k *clock) transmission(n int) time.Duration {
	if k.timing.BitRate == 0 {
		return 0
	}
	return time.Duration(n) * bitsPerByte * time.Second / time.Duration(k.timing.BitRate)
}

func (k *clock) write(n int) {
	pages := 1
	if k.timing.Page > 0 {
		pages = max(1, (n+k.timing.Page-1)/k.timing.Page)
	}
	k.now += time.Duration(pages) * k.timing.Write
}

func (k *clock) end(n int) {
	k.now += k.transmission(n)
	k.elapsed += k.now
	if k.timing.Wait && k.now > 0 {
		sleep := k.sleep
		if sleep == nil {
			sleep = time.Sleep
		}
		sleep(k.now)
	}
}
