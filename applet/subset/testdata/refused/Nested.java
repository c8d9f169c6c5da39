package refused;

class Nested { // refuse the class: inner classes

    static class Inner { // refuse the class: inner classes
    }
}
