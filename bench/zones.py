"""The zones that NSD serves in the benchmark: those of the default world, in the names that rows_dns asks for."""

HEAD = """$TTL 5
@ SOA ns.postroad.test. hostmaster.postroad.test. 1 3600 600 86400 5
@ NS ns.postroad.test.
"""
ZONES = {
    "postroad.test": HEAD + "ns A 127.94.1.53\nmx A 127.94.1.143\n",
    "alpha.test": HEAD + "@ MX 10 mx.postroad.test.\n_imaps._tcp SRV 0 1 993 mx.postroad.test.\n",
    "beta.test": HEAD + '@ MX 10 mx.postroad.test.\n@ TXT "v=spf1 mx -all"\nwww A 203.0.113.80\n',
}
