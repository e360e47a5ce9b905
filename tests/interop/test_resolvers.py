"""dig and kdig ask the name server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.stack import Port

if TYPE_CHECKING:
    from tests.interop.conftest import Clients

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("program", ["dig", "kdig"])
@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_round_trip(clients: Clients, program: str, transport: str) -> None:
    endpoint = clients.endpoint(Port.DNS)
    common = (program, f"@{endpoint.host}", "-p", str(endpoint.port), transport)

    def short(*question: str) -> list[str]:
        return clients.run(*common, "+short", *question).decode().split("\n")[:-1]

    assert short("alpha.test", "MX") == ["10 mx.postroad.test."]
    (address,) = short("mx.postroad.test", "A")
    assert short("-x", address) == ["mx.postroad.test."]
    assert short("BETA.test", "TXT") == ['"v=spf1 mx -all"']
    assert short("alpha.test", "SOA")[0].startswith("ns.postroad.test.")
    assert short("alpha.test", "NS") == ["ns.postroad.test."]
    assert short("_imaps._tcp.alpha.test", "SRV")
    answer = clients.run(*common, "nobody.alpha.test", "A").decode()
    assert "NXDOMAIN" in answer
    flags = answer.lower().partition("flags:")[2].partition(";")[0]
    assert "aa" in flags.split()
    assert "SOA" in answer
    assert "MALFORMED" not in answer.upper()
    assert "Got bad packet" not in answer


@pytest.mark.parametrize("program", ["dig", "kdig"])
def test_edns(clients: Clients, program: str) -> None:
    endpoint = clients.endpoint(Port.DNS)
    answer = clients.run(
        program, f"@{endpoint.host}", "-p", str(endpoint.port), "+edns", "+bufsize=1232", "alpha.test", "MX"
    ).decode()
    assert "NOERROR" in answer
    assert "EDNS" in answer
    assert "mx.postroad.test." in answer.partition("ADDITIONAL")[2] or "ADDITIONAL: 2" in answer
