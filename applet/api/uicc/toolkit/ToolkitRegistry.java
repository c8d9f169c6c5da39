package uicc.toolkit;

import uicc.access.FileView;

/** The applet's entry in the toolkit registry: events, timers, poll interval, menu entries. */
public interface ToolkitRegistry {

    void setEvent(short event) throws ToolkitException;

    void setEventList(short[] eventList, short offset, short length) throws ToolkitException;

    void clearEvent(short event) throws ToolkitException;

    boolean isEventSet(short event);

    void disableMenuEntry(byte id) throws ToolkitException;

    void enableMenuEntry(byte id) throws ToolkitException;

    byte initMenuEntry(byte[] menuEntry, short offset, short length, byte nextAction, boolean helpSupported,
            byte iconQualifier, short iconIdentifier) throws ToolkitException;

    void changeMenuEntry(byte id, byte[] menuEntry, short offset, short length, byte nextAction, boolean helpSupported,
            byte iconQualifier, short iconIdentifier) throws ToolkitException;

    byte allocateTimer() throws ToolkitException;

    void releaseTimer(byte timerIdentifier) throws ToolkitException;

    void requestPollInterval(short duration) throws ToolkitException;

    short getPollInterval();

    byte allocateServiceIdentifier() throws ToolkitException;

    void releaseServiceIdentifier(byte serviceIdentifier) throws ToolkitException;

    void registerFileEvent(short event, byte[] fileList, short offset1, short length1, byte[] adfAid, short offset2,
            byte length2) throws ToolkitException;

    void deregisterFileEvent(short event, byte[] fileList, short offset1, short length1, byte[] adfAid, short offset2,
            byte length2) throws ToolkitException;

    void registerFileEvent(short event, FileView aFileView) throws ToolkitException;

    void deregisterFileEvent(short event, FileView aFileView) throws ToolkitException;

    void setMenuEntryTextAttribute(byte id, byte[] textAttribute, short offset, short length) throws ToolkitException;
}
