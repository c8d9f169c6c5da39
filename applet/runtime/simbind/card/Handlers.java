package simbind.card;

import uicc.toolkit.ProactiveHandler;
import uicc.toolkit.ProactiveResponseHandler;
import uicc.toolkit.ToolkitException;

/** The handlers of the event in hand; outside of one there are none. */
public final class Handlers {
    private Handlers() {
    }

    public static ProactiveHandler proactive() {
        return event().proactive.lend();
    }

    public static ProactiveResponseHandler response() {
        Call call = event();
        call.response.available();
        return call.response;
    }

    private static Call event() {
        Call call = Call.now();
        if (!call.toolkit) {
            throw new ToolkitException(ToolkitException.HANDLER_NOT_AVAILABLE);
        }
        return call;
    }
}
