"""Questions that nobody asked before: in another language, and about a topic that the documents do not treat."""

GERMAN = (
    "Wie kann ich mehrere Ausnahmen mit einer einzigen except-Klausel abfangen?",
    "Warum wird meine Zusicherung nicht ausgeführt, wenn ich die Optimierung einschalte?",
    "Wie importiere ich ein Modul aus einem übergeordneten Paket?",
    "Was passiert, wenn ich in einer Funktion eine globale Variable verändere?",
    "Wie sortiere ich eine Liste absteigend, ohne sie zu kopieren?",
    "Welche Zeichen dürfen in einem Bezeichner vorkommen?",
    "Wie entferne ich ein Element aus einem Wörterbuch?",
    "Warum bleibt die Variable der Schleife nach der Schleife erhalten?",
    "Wie schreibe ich eine Zeichenkette über mehrere Zeilen?",
    "Was ist der Unterschied zwischen Gleichheit und Identität von Objekten?",
    "Wie kann ich eine Ausnahme weiterreichen, ohne ihre Ursache zu verlieren?",
    "Wann werden Objekte vom Speicher entfernt, die niemand mehr braucht?",
    "Wie werden Wahrheitswerte bei leeren Listen bestimmt?",
    "Kann ein Lambda-Ausdruck mehrere Anweisungen enthalten?",
    "Wie gebe ich mehrere Werte aus einer Funktion zurück?",
    "Wie füge ich in der Mitte einer Liste etwas ein?",
)
"""German questions, about what the documents treat."""

HOLIDAYS = (
    "How many days of annual leave do I have left this year?",
    "Who approves my parental leave, and how early must I ask for it?",
    "Can I carry unused vacation days over into next spring?",
    "What is the travel allowance for a hotel in Lisbon?",
    "How do I hand in the receipt of a taxi ride to the customer?",
    "When is my salary paid if the first is a public holiday?",
    "Do I get a bonus if I leave the company in summer?",
    "Where can I see my payslip of last month?",
    "How do I report that I am ill, and when is a doctor's note needed?",
    "Does the company pay for glasses or for a standing desk?",
    "Which health insurance does the company recommend to new colleagues?",
    "May I work from a beach in Portugal for three weeks?",
    "How do I book a company car for a visit to a customer?",
    "Is there a discount on train tickets for employees?",
    "What is the notice period during probation?",
    "Who do I ask about my pension plan?",
)
"""Questions to a personnel department."""
