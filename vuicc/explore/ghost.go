package explore

// ghost is what an observer knows of the story and the card cannot tell. It is part of a state.
type ghost struct {
	truth [2]string // the subscriber's current EF_IMSI, by copy

	// Between card sessions.
	chain    int  // resets that followed a REFRESH since the user's start
	back     bool // the terminal reset the card because of a REFRESH and comes back at once
	terminal byte // which one, 0 not known yet
	spare    bool // a strict restore was begun: one start may show the IMSI unchecked (I8)
	row      int  // strict restores in a row, three at most
	who      byte // for which terminal
	answered bool // within the chain a REFRESH was answered 0X, a write refused, or somebody interfered
	soiled   byte // whose place EF_LOCI tells: S the subscriber's, D the denial value's, 0 nobody's

	// Within a card session.
	on        bool
	running   bool // TERMINAL PROFILE came
	twice     bool // a second one, too
	events    int
	fault     bool // a write was refused
	decided   bool
	hidden    bool // strict start applies, and nobody was checked yet
	denied    bool
	busy      bool // one busy answer was given
	refreshes int  // REFRESH commands since the last event
	refreshed bool // a REFRESH was sent and no STATUS came since
	status    bool // a STATUS came after the decision
	changed   bool // the generation changed since the question
	asked     string
	camped    bool
	owed      bool // a REFRESH that met a busy terminal will be repeated
	removed   bool // the applet was deleted
}

// rest is the ghost after the power went: by the user or a cut, not by the terminal.
func (g ghost) rest() ghost {
	return ghost{truth: g.truth, spare: g.spare, row: g.row, who: g.who, soiled: g.soiled}
}

// reset is the ghost after the terminal reset the card because of a REFRESH.
func (g ghost) reset() ghost {
	r := g.rest()
	r.back, r.terminal = true, g.terminal
	r.answered = g.answered || g.fault || g.events > 0
	if g.events == 0 { // else somebody else made the REFRESH necessary
		r.chain = g.chain + 1
	}
	return r
}

// interfere notes that somebody else than the terminal acted: what follows is no loop of the applet's own.
func (g *ghost) interfere() {
	g.events++
	g.chain, g.refreshes, g.hidden = 0, 0, false
}
