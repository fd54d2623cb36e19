"""Expressions in the notation that mathjs documents, in families."""

EXPRESSIONS = r"""
# arithmetic, and how numbers are written
2 + 3 * 4
2^10
-2^2
2^-1
2^3^2
0.1 + 0.2
1/3
1e-8
1.2e3 + 5
2^100
12 * (3 + 4)
8 % 3
mod(-7, 3)
-7 mod 3
5!
15% * 80
80 + 15%
100 - 20%
(50%) + (50%)
0b11 + 1
0xff
0o17 + 1
0b1011i8
hex(255)
bin(11)
oct(8)
1/0
-1/0
0/0
100 + 3%
5 % 3 * 2
# implicit multiplication
2 pi
(1 + 2)(3 + 4)
6 / 2(1 + 2)
1/2 cm
2 sqrt(9)
# comparison and logic
2 > 1
1 == 2
1 != 2
5 cm > 1 inch
0.1 + 0.2 == 0.3
1 < 2 < 3
true and not false
true xor true
2 > 1 ? 10 : 20
larger(3, 2)
compare(2, 3)
equal(2, 2)
deepEqual([1, 2], [1, 2])
null ?? 3
# bits
5 & 3
5 | 3
5 ^| 3
~5
1 << 4
-16 >> 2
-1 >>> 28
# roots, powers, logarithms
sqrt(3^2 + 4^2)
sqrt(-4)
cbrt(-8)
nthRoot(27, 3)
nthRoots(1, 4)
exp(1)
expm1(1e-5)
log(8, 2)
log(e^2)
log10(1000)
log2(1024)
log1p(0.001)
hypot(3, 4)
pow(2, 0.5)
square(5)
cube(3)
abs(-3.5)
sign(-2)
# rounding
round(2.5)
round(3.14159, 2)
round(-2.5)
floor(-2.5)
ceil(2.1)
fix(-2.7)
floor(3.456, 2)
# trigonometry
sin(45 deg)^2
cos(pi)
tan(pi / 4)
asin(1)
acos(0.5)
atan2(1, 1)
sec(1)
csc(1)
cot(1)
asec(2)
acsc(2)
acot(2)
sinh(1)
cosh(1)
tanh(1)
asinh(1)
acosh(2)
atanh(0.5)
sin(2 + 3i)
# number theory, probability, special functions
gcd(12, 18)
lcm(4, 6)
xgcd(36, 163)
isPrime(97)
invmod(3, 11)
combinations(5, 2)
permutations(5, 2)
combinationsWithRep(7, 3)
factorial(10)
gamma(2.5)
lgamma(10)
zeta(2)
erf(0.5)
multinomial([1, 2, 1])
stirlingS2(5, 3)
bellNumbers(5)
catalan(6)
composition(5, 3)
fibonacci = 1; fibonacci + 1
# complex numbers
(3 + 4i) * 2
abs(3 + 4i)
e^(i pi)
(-8)^(1/3)
re(2 + 3i)
im(2 + 3i)
conj(2 + 3i)
arg(2 + 2i)
complex(2, 3) / (1 - i)
polarToCartesian = 2; polarToCartesian * i
# exact numbers
fraction(1, 3) + fraction(1, 6)
fraction(0.125)
bignumber(1) / 3
bignumber("0.1") + bignumber("0.2")
bignumber(2)^200
number(fraction(1, 3))
bigint(2)^bigint(70)
numeric("3.25", "Fraction")
format(1/3, 5)
# units
12.7 cm to inch
2 km + 300 m
90 km / 1.5 hour
60 mile/hour to km/h
20 degC to degF
5 kg * 9.8 m/s^2 to N
sqrt(16 m^2)
10 km / 5 km
5 ft + 3 inch to cm
746 W to hp
1 year to days
45 deg to rad
unit("5.4 kg") * 2
9.8 m/s^2 * 10 s
1 kWh to J
3 GB to MB
speedOfLight to km/s
max(1 km, 300 m)
abs(-3 m)
number(5 cm, mm)
splitUnit(1 m, [ft, inch])
1 bar to psi
# matrices
[1, 2; 3, 4] * [0, 1; 1, 0]
[[1, 2], [3, 4]] + 1
[1, 2; 3, 4] .* [2, 2; 2, 2]
[1, 2; 3, 4] .^ 2
[1, 2; 3, 4]'
[1, 2; 3, 4]^2
[1, 2, 3] * [4, 5, 6]
det([-1, 2; 3, 1])
inv([1, 2; 3, 4])
trace([1, 2; 3, 4])
transpose([1, 2, 3])
cross([1, 2, 3], [4, 5, 6])
dot([1, 2, 3], [4, 5, 6])
kron([1, 2], [3, 4])
norm([3, 4])
identity(3)
zeros(2, 3)
ones(2, 2)
diag([1, 2, 3])
size([1, 2, 3; 4, 5, 6])
reshape([1, 2, 3, 4], [2, 2])
concat([1, 2], [3])
flatten([1, 2; 3, 4])
lusolve([1, 1; 1, -1], [10; 2])
lup([1, 2; 3, 4]).L
eigs([2, 0; 0, 3]).values
expm([0, 0; 0, 0])
sqrtm([4, 0; 0, 9])
pinv([1, 2; 3, 4])
rotationMatrix(pi / 2)
# indexing and ranges
a = [1, 2; 3, 4]; a[2, 1]
a = [1, 2; 3, 4]; a[:, 2]
a = [10, 20, 30]; a[end]
a = [1, 2, 3]; a[2] = 9; a
1:5
0:0.5:2
5:-1:1
range(1, 5)
range(1, 5, true)
(1:4) .^ 2
subset([5, 6, 7], index(2))
"hello"[1]
{a: 2, b: {c: 3}}.b.c
# statistics
mean([1, 2; 3, 4], 1)
mean(1, 2, 3, 4)
median(3, 1, 2)
mode([1, 2, 2, 3])
std(1, 2, 3, 4)
std([1, 2, 3, 4], "uncorrected")
variance([2, 4, 6])
quantileSeq([1, 2, 3, 4, 5], 0.25)
sum([1, 2; 3, 4])
M = [1, 2; 3, 4]; sum(M, 1)
sum([1, 2; 3, 4], 2)
prod(2, 3, 4)
cumsum([1, 2, 3])
min([3, 1; 2, 5], 1)
max([3, 1; 2, 5])
count([1, 2; 3, 4])
count("hello")
mad(10, 20, 30)
corr([1, 2, 3, 4], [2, 4, 6, 9])
# functions, sets, strings, sequences
f(x) = x^2 + 1; f(3)
g(x, y) = x^y; g(2, 5)
fact(n) = n <= 1 ? 1 : n * fact(n - 1); fact(10)
map([1, 2, 3], f(x) = x^2)
filter([6, -2, -1, 4], f(x) = x > 0)
sort([5, 10, 1], "desc")
setUnion([1, 2], [2, 3])
setIntersect([1, 2, 3], [2, 3, 4])
setDifference([1, 2, 3], [2])
partitionSelect([5, 3, 1], 1)
concat("a", "b")
string(2.5)
typeOf(2 m)
isInteger(4)
to(1 m, cm)
a = 3; b = 4; sqrt(a^2 + b^2)
r = 5 cm; pi * r^2
x = 3
distance([0, 0], [3, 4])
intersect([0, 0], [10, 10], [10, 0], [0, 10])
# algebra
derivative("x^2 + sin(x)", "x")
derivative("2x^3", "x").evaluate({x: 2})
simplify("2x + 3x")
simplify("x^2 + x + 3 + x^2")
rationalize("2x/y - y/(x+1)")
polynomialRoot(6, -5, 1)
polynomialRoot(-8, 0, 0, 1)
symbolicEqual("x^2 + 2x", "x(x + 2)")
leafCount("a + b * c")
resolve("x + y", {x: 2})
solveODE(f(t, y) = y, [0, 1], 1).y[end] > 2.7
freqz([1, 2], [1, 2, 3], 2).w
fft([1, 0, 0, 0])
ifft([1, 1])
"""

FAMILIES: list[str] = [line.strip() for line in EXPRESSIONS.splitlines() if line.strip() and line[0] != "#"]
