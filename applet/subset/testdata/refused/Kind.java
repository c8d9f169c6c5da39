package refused;

enum Kind { // refuse: methods made by the compiler; class java.lang.Enum is not in the API
    ONE // refuse: static fields hold constants
}
// and more
// refuse the class: enums
