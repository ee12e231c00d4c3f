"""Keep the sandbox's books: holdings, debts, records and stream events, all exact."""
