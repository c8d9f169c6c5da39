package simbind.card;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The fields that are memory: of an object those of its class and the classes above, of a Class its static ones. */
final class Fields {
    private static final Map<Class<?>, Field[]> OF_OBJECTS = new ConcurrentHashMap<>();
    private static final Map<Class<?>, Field[]> OF_CLASSES = new ConcurrentHashMap<>();

    private Fields() {
    }

    static Field[] of(Object o) {
        if (o instanceof Class) {
            return OF_CLASSES.computeIfAbsent((Class<?>) o, c -> collect(c, true));
        }
        return OF_OBJECTS.computeIfAbsent(o.getClass(), c -> collect(c, false));
    }

    /** Card classes that have cells of their own form tell so by Leaf and have no fields here. */
    private static Field[] collect(Class<?> c, boolean statics) {
        List<Field> out = new ArrayList<>();
        for (Class<?> k = c; k != null && k.getClassLoader() instanceof Loader; k = statics ? null : k.getSuperclass()) {
            for (Field f : k.getDeclaredFields()) {
                if (Modifier.isStatic(f.getModifiers()) == statics && !Modifier.isFinal(f.getModifiers()) && !f.isSynthetic()) {
                    f.setAccessible(true);
                    out.add(f);
                }
            }
        }
        return out.toArray(new Field[0]);
    }

    static Object get(Field f, Object o) {
        try {
            return f.get(o);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    static void set(Field f, Object o, Object value) {
        try {
            f.set(o, value);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    static Object[] values(Object o) {
        Field[] fields = of(o);
        Object[] out = new Object[fields.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = get(fields[i], o);
        }
        return out;
    }
}
