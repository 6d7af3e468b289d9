"""What a grown animal of each breed weighs, in kg, and how long its species lives, in years."""

LIFE = {"canina": 14.0, "felina": 16.0, "ave": 14.0, "roedor": 2.5, "lagomorfo": 8.0, "reptil": 20.0}
# The large live shorter.
GIANT_KG, GIANT_LIFE = 45.0, 9.0

ADULT_KG: dict[str, dict[str, tuple[float, float]]] = {
    "canina": {
        "SRD": (6, 24), "Shih Tzu": (4.5, 8), "Yorkshire Terrier": (2, 3.6), "Poodle": (3.5, 9),
        "Lhasa Apso": (5.5, 8.5), "Spitz Alemão": (2, 4), "Pinscher Miniatura": (2.8, 5), "Maltês": (2.5, 4.5),
        "Pug": (6.5, 9.5), "Buldogue Francês": (8.5, 14), "Buldogue Inglês": (19, 27), "Dachshund": (6.5, 11),
        "Beagle": (9.5, 15), "Schnauzer Miniatura": (5.5, 9), "Cocker Spaniel Inglês": (11, 15.5),
        "Border Collie": (14, 21), "Labrador Retriever": (26, 38), "Golden Retriever": (26, 38),
        "Pastor Alemão": (24, 40), "Rottweiler": (36, 54), "Boxer": (25, 34), "American Pit Bull Terrier": (16, 30),
        "American Bully": (28, 44), "Husky Siberiano": (17, 27), "Akita": (33, 50), "Chow Chow": (21, 32),
        "Dálmata": (21, 31), "Dobermann": (29, 43), "Fila Brasileiro": (42, 60), "Terrier Brasileiro": (6.5, 9.5),
        "Weimaraner": (25, 38), "Dogue Alemão": (48, 72), "São Bernardo": (56, 80),
        "West Highland White Terrier": (6.5, 9.5), "Cane Corso": (40, 52),
    },
    "felina": {
        "SRD": (3.1, 5.6), "Persa": (3.2, 5.5), "Siamês": (2.9, 5), "Maine Coon": (5, 8.8), "Angorá": (3, 5),
        "Ragdoll": (4.5, 8), "British Shorthair": (4, 7.3), "Exótico": (3.4, 6), "Sphynx": (3, 5),
        "Bengal": (3.9, 6.6), "Sagrado da Birmânia": (3.4, 5.8), "Azul Russo": (3, 5), "Abissínio": (3, 4.8),
        "Norueguês da Floresta": (4.6, 8), "Scottish Fold": (3, 5.6),
    },
    "ave": {
        "SRD": (0.08, 0.12), "Calopsita": (0.08, 0.115), "Periquito-australiano": (0.028, 0.042),
        "Papagaio-verdadeiro": (0.36, 0.48), "Maritaca": (0.23, 0.32), "Agapórnis": (0.042, 0.06),
        "Canário-belga": (0.017, 0.026), "Arara-canindé": (0.9, 1.2), "Ring Neck": (0.11, 0.145),
        "Galinha": (1.6, 3.2),
    },
    "roedor": {
        "SRD": (0.2, 0.4), "Porquinho-da-índia": (0.7, 1.15), "Hamster sírio": (0.1, 0.15),
        "Hamster anão russo": (0.03, 0.05), "Gerbil": (0.06, 0.09), "Chinchila": (0.42, 0.62),
        "Rato twister": (0.26, 0.46), "Camundongo": (0.022, 0.036),
    },
    "lagomorfo": {
        "SRD": (1.6, 3), "Mini Lop": (1.6, 2.5), "Netherland Dwarf": (0.8, 1.2), "Lionhead": (1.2, 1.8),
        "Nova Zelândia": (3.6, 5.2), "Angorá inglês": (2.2, 3.4), "Holandês": (1.8, 2.5), "Rex": (2.8, 4.2),
    },
    "reptil": {
        "SRD": (0.5, 2), "Jabuti-piranga": (3, 8), "Jabuti-tinga": (4.5, 10), "Tigre-d'água": (0.6, 1.8),
        "Iguana-verde": (1.2, 3.6), "Gecko-leopardo": (0.05, 0.085), "Teiú": (2.2, 4.5), "Jiboia": (2.2, 8),
        "Corn snake": (0.4, 0.85),
    },
}  # fmt: skip

BRACHYCEPHALIC = frozenset({"Shih Tzu", "Lhasa Apso", "Pug", "Buldogue Francês", "Buldogue Inglês", "Boxer"})
