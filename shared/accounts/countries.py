"""The countries that a person can sign up from, by their English names."""

from __future__ import annotations

from shared.platform.markets import MARKETS

_NAMES = """
AD Andorra|AE United Arab Emirates|AG Antigua and Barbuda|AL Albania|AM Armenia|AO Angola
AR Argentina|AT Austria|AU Australia|AZ Azerbaijan|BA Bosnia and Herzegovina|BB Barbados
BD Bangladesh|BE Belgium|BF Burkina Faso|BG Bulgaria|BH Bahrain|BI Burundi|BJ Benin
BN Brunei|BO Bolivia|BR Brazil|BS Bahamas|BT Bhutan|BW Botswana|BY Belarus|BZ Belize|CA Canada
CD Congo (Kinshasa)|CG Congo (Brazzaville)|CH Switzerland|CI Côte d'Ivoire|CL Chile|CM Cameroon
CO Colombia|CR Costa Rica|CV Cape Verde|CW Curaçao|CY Cyprus|CZ Czechia|DE Germany|DJ Djibouti
DK Denmark|DM Dominica|DO Dominican Republic|DZ Algeria|EC Ecuador|EE Estonia|EG Egypt|ES Spain
ET Ethiopia|FI Finland|FJ Fiji|FM Micronesia|FR France|GA Gabon|GB United Kingdom|GD Grenada
GE Georgia|GH Ghana|GM Gambia|GN Guinea|GQ Equatorial Guinea|GR Greece|GT Guatemala
GW Guinea-Bissau|GY Guyana|HK Hong Kong|HN Honduras|HR Croatia|HT Haiti|HU Hungary|ID Indonesia
IE Ireland|IL Israel|IN India|IQ Iraq|IS Iceland|IT Italy|JM Jamaica|JO Jordan|JP Japan|KE Kenya
KG Kyrgyzstan|KH Cambodia|KI Kiribati|KM Comoros|KN Saint Kitts and Nevis|KR South Korea|KW Kuwait
KZ Kazakhstan|LA Laos|LB Lebanon|LC Saint Lucia|LI Liechtenstein|LK Sri Lanka|LR Liberia|LS Lesotho
LT Lithuania|LU Luxembourg|LV Latvia|LY Libya|MA Morocco|MC Monaco|MD Moldova|ME Montenegro
MG Madagascar|MH Marshall Islands|MK North Macedonia|ML Mali|MN Mongolia|MO Macao|MR Mauritania
MT Malta|MU Mauritius|MV Maldives|MW Malawi|MX Mexico|MY Malaysia|MZ Mozambique|NA Namibia|NE Niger
NG Nigeria|NI Nicaragua|NL Netherlands|NO Norway|NP Nepal|NR Nauru|NZ New Zealand|OM Oman|PA Panama
PE Peru|PG Papua New Guinea|PH Philippines|PK Pakistan|PL Poland|PR Puerto Rico|PS Palestine
PT Portugal|PW Palau|PY Paraguay|QA Qatar|RO Romania|RS Serbia|RW Rwanda|SA Saudi Arabia
SB Solomon Islands|SC Seychelles|SE Sweden|SG Singapore|SI Slovenia|SK Slovakia|SL Sierra Leone
SM San Marino|SN Senegal|SR Suriname|ST São Tomé and Príncipe|SV El Salvador|SZ Eswatini|TD Chad
TG Togo|TH Thailand|TJ Tajikistan|TL Timor-Leste|TN Tunisia|TO Tonga|TR Türkiye
TT Trinidad and Tobago|TV Tuvalu|TW Taiwan|TZ Tanzania|UA Ukraine|UG Uganda|US United States
UY Uruguay|UZ Uzbekistan|VC Saint Vincent and the Grenadines|VE Venezuela|VN Vietnam|VU Vanuatu
WS Samoa|XK Kosovo|ZA South Africa|ZM Zambia|ZW Zimbabwe
"""

NAMES: dict[str, str] = {
    entry[:2]: entry[3:] for line in _NAMES.strip().splitlines() for entry in line.split("|")
}


def offered() -> list[tuple[str, str]]:
    """Code and name of every market, by name."""
    return sorted(((code, NAMES[code]) for code in MARKETS), key=lambda each: each[1])
