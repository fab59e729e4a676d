"""CSV files for `mwanga import`: one of each kind, to be imported in this order into the demo world."""

from pathlib import Path

from typer.testing import Result

from tests.world.prompt import Run

FACTORY = "Serial Number,Starting Code,Key,Count,Time Divider,Restricted Digit Mode,Hardware Model,Version,Test Code"
KEY = "0123456789abcdef0123456789abcdef"

FILES = {
    "villages": "mini_grid,village\nMtwara North,Msijute\nMasasi,\nNewala,Kitangari\n",
    "meter-types": "name\nSingle phase 20A\n",
    "connections": "type,sub_type,tariff,meter_type,group\nSchool,,Business 420,Three phase 100A,Public\n"
    "School,Primary,,,\nSchool,Secondary,,,\n,,,,Farms\n",
    "models": "name,manufacturer,kind,prefix\nSunny 50,Jua,shs,sny\nCalin CA168,Calin,meter,\n",
    "tariffs": "name,unit,price,minimum,components,access_rate,access_days,recovery\nWeekly 700,days,100,700,,,,\n"
    "Shop,energy,420,,80,3000,30,50\n",
    "appliances": "appliance,type,price,plan,terms,down,count,period,day_price,minimum,remind_before,overdue_ticket"
    "\nFan,goods,45000,cash,cash,,,,,,2,yes\nFan,goods,45000,6 weekly,instalments,15%,6,weekly,,500,2,yes\n"
    "Sun 50,shs,300000,daily,service,5000,,,500,500,,\nRadio,electronics,15000,cash,none,,,,,,2,\n",
    "agents": "phone,name,mini_grid,cash_limit,commission_percent,pin\n"
    "0712 000 001,Rehema Kito,lindi south,90000,7,730582\n",
    "customers": "name,surname,phone,language,mini_grid,village\n"
    'Halima,Omari,0754000111,sw,Lindi South,Chiungutwa\n"Juma Ali",Bakari,none,en,Lindi South,\n',
    "stock": f"{FACTORY},kind,plan\nSHS9001,987654321,{KEY},1,1,0,X1,1,,shs,\nEB9002,123123123,{KEY},,4,,,,,ebike,\n"
    "04123456792,,,,,,,,,meter,Household 350\n",
}

OWNED = {
    "devices": "serial,plan,name,surname,phone,model,meter_type,group,type,sub_type\n"
    "SHS9001,Weekly 700,Halima,Omari,0754000111,,,,,\n"
    "0498 7654 326,Household 350,Juma Ali,Bakari,none,Calin CA168,Single phase 20A,Farms,School,Primary\n"
    "04123456792,Business 420,Halima,Omari,+255754000111,,,,Household,\n"
}


def import_text(run: Run, kind: str, text: str) -> Result:
    """Import a file with this text."""
    Path("file.csv").write_text(text)
    return run("import", kind, "file.csv")
