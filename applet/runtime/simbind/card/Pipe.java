package simbind.card;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.SynchronousQueue;

/**
 * Frames, and the turn. One thread runs at a time, as on a card: the one that has the turn computes, or reads the next frame. A
 * frame for another thread hands the turn to it. So an applet that waits in send keeps its thread and its stack, while the same
 * applet is called again on another.
 */
final class Pipe {
    private static final int STACK = 512 * 1024;

    private final DataInputStream in;
    private final DataOutputStream out;
    private final Map<Integer, SynchronousQueue<Frame>> waiting = new HashMap<>(); // by call; whoever has the turn may touch it
    private final ArrayDeque<SynchronousQueue<Frame>> idle = new ArrayDeque<>();
    private final Map<Integer, Card> cards = new HashMap<>();

    Pipe(InputStream in, OutputStream out) {
        this.in = new DataInputStream(new BufferedInputStream(in));
        this.out = new DataOutputStream(new BufferedOutputStream(out));
    }

    void serve() {
        start(null);
    }

    private void start(Frame first) {
        Thread t = new Thread(null, () -> work(first), "applet", STACK);
        t.start();
    }

    /** The life of a thread: calls, one after the other. */
    private void work(Frame first) {
        Frame f = first != null ? first : read();
        SynchronousQueue<Frame> mine = new SynchronousQueue<>();
        for (;;) {
            if (f.kind == Frame.CALL) {
                write(f.call, Frame.RETURN, Card.run(this, cards, f));
                f = read();
                continue;
            }
            idle.push(mine);
            pass(f);
            f = take(mine);
        }
    }

    /** Gives the frame to the thread it is for. The caller has no turn any more and waits. */
    private void pass(Frame f) {
        if (f.kind != Frame.CALL) {
            give(waiting.remove(f.call), f);
        } else if (!idle.isEmpty()) {
            give(idle.pop(), f);
        } else {
            start(f);
        }
    }

    /** Asks the card for a service in the name of a call and waits for the answer to it. */
    Frame ask(int call, byte[] service) {
        write(call, Frame.SERVICE, service);
        Frame f = read();
        if (f.call == call) {
            return f;
        }
        SynchronousQueue<Frame> mine = new SynchronousQueue<>();
        waiting.put(call, mine);
        pass(f);
        return take(mine);
    }

    private Frame read() {
        try {
            byte[] body = new byte[in.readInt() - 5];
            int call = in.readInt();
            int kind = in.readUnsignedByte();
            in.readFully(body);
            return new Frame(call, kind, body);
        } catch (IOException e) {
            Runtime.getRuntime().halt(0); // the card is gone
            throw new IllegalStateException(e);
        }
    }

    private void write(int call, int kind, byte[] body) {
        try {
            out.writeInt(body.length + 5);
            out.writeInt(call);
            out.writeByte(kind);
            out.write(body);
            out.flush();
        } catch (IOException e) {
            Runtime.getRuntime().halt(0);
        }
    }

    private static void give(SynchronousQueue<Frame> to, Frame f) {
        try {
            to.put(f);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Frame take(SynchronousQueue<Frame> mine) {
        try {
            return mine.take();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
