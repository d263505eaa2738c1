"""What a core of load costs: this project's engine beside its peers, and whether each tells the truth about latency.

    python -m benchmarks.engine

Never imported by the plugin. Modules called ``by_…`` are clients, each a process of its own; those of the peers run in
the benchmark's own virtual environment and so import nothing else of this project than what needs no third party.
"""
