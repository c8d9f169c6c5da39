package simbind.card;

import java.io.File;
import java.io.IOException;
import java.net.MalformedURLException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Gives every card its own applet classes, and with them its own static fields: the class files of one folder, as the compiler
 * left them, rewritten in memory (see Rewriter). API classes come from the runtime.
 */
final class Loader extends ClassLoader {
    private static final Map<String, byte[]> REWRITTEN = new ConcurrentHashMap<>(); // by file

    private final Path root;

    Loader(Path root) {
        super(Loader.class.getClassLoader());
        this.root = root;
    }

    /** Loads the package of a class whole, as a card does, and runs what stands in its static initializers. */
    List<Class<?>> loadPackage(String className) throws ClassNotFoundException {
        Path folder = file(className).getParent();
        String prefix = className.substring(0, className.lastIndexOf('.') + 1);
        File[] files = folder.toFile().listFiles((dir, name) -> name.endsWith(".class"));
        if (files == null) {
            throw new ClassNotFoundException(className + ": no folder " + folder);
        }
        Arrays.sort(files);
        List<Class<?>> out = new ArrayList<>();
        for (File f : files) {
            String name = prefix + f.getName().substring(0, f.getName().length() - ".class".length());
            out.add(Class.forName(name, true, this));
        }
        return out;
    }

    private Path file(String className) {
        return root.resolve(className.replace('.', '/') + ".class");
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        synchronized (getClassLoadingLock(name)) {
            Class<?> c = findLoadedClass(name);
            if (c == null && Files.exists(file(name))) {
                c = findClass(name);
            }
            return c != null ? c : super.loadClass(name, resolve);
        }
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        try {
            String key = file(name).toUri().toURL().toString();
            byte[] code = REWRITTEN.get(key);
            if (code == null) {
                code = new Rewriter(Files.readAllBytes(file(name))).rewritten();
                REWRITTEN.put(key, code);
            }
            return defineClass(name, code, 0, code.length);
        } catch (MalformedURLException e) {
            throw new ClassNotFoundException(name, e);
        } catch (IOException e) {
            throw new ClassNotFoundException(name, e);
        }
    }
}
