"""The currencies of ISO 4217, how many decimals each has, and the smallest coin in use. A table of our own: that of a
library follows what shops round to, differs for some (MGA, SOS, IQD), and may change under amounts that are kept
already."""

# By their number of decimals: 2 of 100 minor units, and so on. Funds, metals and codes for tests are left out.
_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL "
    "HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP "
    "MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD "
    "SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS "
    "VED VES WST XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
}
# Code by code: how many decimals it has.
EXPONENTS = {code: decimals for decimals, codes in _DECIMALS.items() for code in codes.split()}
# The smallest coin that people still pay with, in minor units, where it is known to us and no whole unit.
_COINS = {"GHS": 50, "TZS": 50_00, "UGX": 50, "XAF": 5, "XOF": 5}


def usual_coin(currency: str) -> int:
    """The smallest coin in use, in minor units; a whole unit where we know no other."""
    return _COINS.get(currency) or int(10 ** EXPONENTS[currency])
