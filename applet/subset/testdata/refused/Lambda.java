package refused;

class Lambda { // and more

    Runnable later() { // refuse the class: lambdas and string concatenation
        return () -> { }; // refuse: lambdas and string concatenation; methods made by the compiler
    }
}
